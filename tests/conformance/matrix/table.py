"""docs/compatibility.md, from the results of a run of all clients."""

from clients import DOUBLES
from scenario import FEATURES
from sluice_test import SOURCE

PAGE = SOURCE / "docs/compatibility.md"
HEAD = """# Compatibility with real clients

<!-- Written by tests/conformance/run all; do not edit. -->

Each cell is a scenario that compares content, not only the absence of an error, run by that client against a real broker
(`tests/conformance/README.md`). "–" is what the client itself lacks, as a run against Apache Kafka shows; the numbers say
why. A client that could not be installed on the machine of the run is "not run", never "passed".
"""

TOOLS = """## Tools and a console

Run by hand, since they download Kafka and a browser (`tests/conformance/README.md`); what they say is compared, too.

| of Apache Kafka 4.3.1 | test |
|---|---|
| kafka-topics, -configs, -log-dirs, -features, -metadata-quorum, -leader-election, -reassign-partitions, -acls, -client-metrics, -broker-api-versions, -transactions | `kafka_tools_test.py` |
| kafka-consumer-groups: list, describe (offsets, members, state), each way to reset offsets, delete, delete-offsets; kafka-groups | `kafka_client_tools_test.py` |
| kafka-console-producer and -consumer, kafka-producer-perf-test and kafka-consumer-perf-test, VerifiableProducer and VerifiableConsumer, kafka-get-offsets, kafka-delete-records, ClientCompatibilityTest | `kafka_client_tools_test.py` |
| kafka-dump-log reads our segments | `dump_log_segments_test.py` |

The console is kafka-viewer 0.4.0, in Chromium (`console_test.py`): topics, statistics, messages from the beginning. It needs Metadata,
ListOffsets (earliest, latest, by time) and Fetch.
"""


class Notes:
    """Reasons, numbered in the order in which they are met."""

    def __init__(self):
        self.texts = []

    def number(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def cell(result, feature, notes):
    if result.not_run:
        return f"not run [{notes.number(result.not_run)}]"
    found = result.cells.get(feature.name)
    if found is None:
        return "not run"
    if found["result"] in ("passed", "failed"):
        return found["result"]
    return f"– [{notes.number(found['why'])}]"


def write_table(results):
    notes, lines = Notes(), [HEAD]
    lines += ["| client | version |", "|---|---|"]
    for result in results:
        doubles = f" [{notes.number(DOUBLES[result.client])}]" if result.client in DOUBLES else ""
        lines.append(f"| {result.client}{doubles} | {result.version or 'not run'} |")
    for area in dict.fromkeys(feature.area for feature in FEATURES):
        lines += ["", f"## {area}", "", "| |" + "|".join(f" {result.client} " for result in results) + "|",
                  "|---|" + "---|" * len(results)]
        for feature in (feature for feature in FEATURES if feature.area == area):
            lines.append(f"| {feature.name} | " + " | ".join(cell(result, feature, notes) for result in results) + " |")
    lines += ["", TOOLS, "## Notes", ""] + [f"{number}. {text}" for number, text in enumerate(notes.texts, 1)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(SOURCE)}")
