"""Scenarios of consumer groups: who has which partition, and that no record is missed or doubled.

Written once for both protocols: classic (JoinGroup, SyncGroup) and KIP-848 (ConsumerGroupHeartbeat), where the client has it.
"""

from scenario import feature

CLASSIC, KIP_848 = "Groups", "Groups of the new protocol (KIP-848)"
PARTITIONS = 6
CONSUMER_GROUP_HEARTBEAT = 68


def both(name, alone=False):
    """Registers a scenario for each of the two protocols."""
    def register(run):
        feature(name, CLASSIC, alone)(lambda trial: run(trial, "classic"))
        feature(f"{name}, KIP-848", KIP_848, alone)(lambda trial: run_new(trial, run))
        return run
    return register


def run_new(trial, run):
    """Some clients fall back to the classic protocol without a word, so the broker is asked, too."""
    run(trial, "consumer")
    trial.assertIn(CONSUMER_GROUP_HEARTBEAT, trial.served_keys(), "the client fell back to the classic protocol")


def join(trial, count, protocol, topic, **more):
    """`count` members that share the topic's partitions."""
    members = [trial.member(topics=[topic], protocol=protocol, **more) for _ in range(count)]
    trial.wait_for_shares(members, topic, PARTITIONS)
    return members


def seen_by(members):
    return sorted(value for member in members for value in member.values())


def wait_for_values(trial, members, expected, doubles=False):
    """Until the members together have all of them; each once, unless `doubles` may be."""
    trial.wait(lambda: set(expected) <= set(seen_by(members)), f"the {len(expected)} records", members=[m for m in members if not m.ended])
    if doubles or trial.may_double:
        trial.assertEqual(set(seen_by(members)), set(expected))
    else:
        trial.assertEqual(seen_by(members), sorted(expected))


@both("three members share six partitions")
def three(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    members = join(trial, 3, protocol, topic)
    # Under KIP-848 all may have been assigned before the last of them moved.
    trial.wait(lambda: [len(member.assignment) for member in members] == [2, 2, 2], "two partitions for each", members=members)
    wait_for_values(trial, members, trial.produce_values(topic, "shared", PARTITIONS))
    for member in members:
        member.stop()


@both("a member joins, a member leaves")
def leave(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    [first] = join(trial, 1, protocol, topic, session_ms=30_000)
    sent = trial.produce_values(topic, "alone", PARTITIONS)
    wait_for_values(trial, [first], sent)
    second = trial.member(topics=[topic], protocol=protocol, session_ms=30_000)
    trial.wait_for_shares([first, second], topic, PARTITIONS)
    sent += trial.produce_values(topic, "both", PARTITIONS)
    wait_for_values(trial, [first, second], sent)
    first.stop()
    trial.wait_for_shares([second], topic, PARTITIONS, seconds=15)  # Sooner than a session would time out.
    sent += trial.produce_values(topic, "left", PARTITIONS)
    wait_for_values(trial, [first, second], sent)
    second.stop()


@both("a member is killed (-9)")
def killed(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    members = join(trial, 3, protocol, topic)
    sent = trial.produce_values(topic, "three", PARTITIONS)
    wait_for_values(trial, members, sent)
    members[1].kill()
    left = [members[0], members[2]]
    trial.wait_for_shares(left, topic, PARTITIONS)
    sent += trial.produce_values(topic, "two", PARTITIONS)
    wait_for_values(trial, members, sent, doubles=True)  # It may have died between a record and its commit.
    for member in left:
        member.stop()


@both("a static member comes back within its session: nothing moves")
def static(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    more = {"topics": [topic], "protocol": protocol, "session_ms": 20_000}
    first, second = (trial.member(instance=f"instance-{i}", **more) for i in range(2))
    trial.wait_for_shares([first, second], topic, PARTITIONS)
    sent = trial.produce_values(topic, "before", PARTITIONS)
    wait_for_values(trial, [first, second], sent)
    had, moves = second.assignment, (len(first.given), len(first.revoked))
    if protocol == "classic":
        second.kill()
    else:
        second.stop()  # The new protocol lets nobody take the place of a member that did not say goodbye.
    again = trial.member(instance="instance-1", **more)
    trial.wait(lambda: again.assignment == had, "the same assignment", 15, [first, again])
    sent += trial.produce_values(topic, "after", PARTITIONS)
    wait_for_values(trial, [first, second, again], sent, doubles=True)
    trial.assertEqual((len(first.given), len(first.revoked)), moves)


@feature("cooperative-sticky: partitions that stay are not revoked", CLASSIC)
def cooperative(trial):
    topic = trial.topic(partitions=PARTITIONS)
    [first] = join(trial, 1, "classic", topic, assignor="cooperative-sticky")
    second = trial.member(topics=[topic], assignor="cooperative-sticky")
    trial.wait_for_shares([first, second], topic, PARTITIONS)
    trial.assertEqual(sorted(first.revoked), sorted(second.assignment))
    trial.assertEqual(len(first.given), PARTITIONS)
    wait_for_values(trial, [first, second], trial.produce_values(topic, "cooperative", PARTITIONS))
    first.stop()
    trial.wait_for_shares([second], topic, PARTITIONS)
    trial.assertEqual(second.revoked, [])
    second.stop()


@both("commit and resume: nothing missed, nothing doubled")
def resume(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    sent, members = [], []
    for turn in range(3):
        sent += trial.produce_values(topic, f"turn-{turn}", PARTITIONS)
        members.append(trial.member(topics=[topic], protocol=protocol))
        wait_for_values(trial, members, sent)
        members[-1].stop()
    committed = trial.counterpart.call("committed", group=trial.name(), topic=topic)["offsets"]
    trial.assertEqual(sorted(committed), [[topic, partition, 30] for partition in range(PARTITIONS)])


@both("the broker restarts in good order: nothing missed, nothing doubled", alone=True)
def restart(trial, protocol):
    topic = trial.topic(partitions=PARTITIONS)
    members = join(trial, 2, protocol, topic, session_ms=30_000)  # It shall outlast a start on a busy machine.
    sent = trial.produce_values(topic, "before", PARTITIONS)
    wait_for_values(trial, members, sent)
    trial.broker.stop()
    trial.broker.start()
    sent += trial.produce_values(topic, "after", PARTITIONS)
    wait_for_values(trial, members, sent, doubles=True)
    trial.wait_for_shares(members, topic, PARTITIONS)
    if not any(member.revoked for member in members):  # A slow machine's members may give up before they commit.
        trial.assertEqual(seen_by(members), sorted(sent))
    for member in members:
        member.stop()


def subscribe_by_pattern(trial, protocol):
    """A member of two topics that match, and no other; (member, topics)."""
    topics = [trial.topic(f"-match-{i}") for i in range(2)]
    trial.produce_values(trial.topic("-other"), "other", 1)
    member = trial.member(pattern=f"^{trial.name('-match-')}.*", protocol=protocol)
    trial.wait(lambda: member.assignment == {(topic, 0) for topic in topics}, "topics that match")
    return member, topics


@both("subscription by pattern")
def pattern(trial, protocol):
    member, topics = subscribe_by_pattern(trial, protocol)
    wait_for_values(trial, [member], [value for topic in topics for value in trial.produce_values(topic, topic, 1)])
    member.stop()


@both("subscription by pattern finds new topics")
def growing_pattern(trial, protocol):
    member, topics = subscribe_by_pattern(trial, protocol)
    topics.append(trial.topic("-match-new"))
    trial.wait(lambda: member.assignment == {(topic, 0) for topic in topics}, "new topic that matches")
    wait_for_values(trial, [member], [value for topic in topics for value in trial.produce_values(topic, topic, 1)])
    member.stop()


@feature("a group goes over to KIP-848 and back while it reads", KIP_848)
def migration(trial):
    topic = trial.topic(partitions=PARTITIONS)
    [old] = members = join(trial, 1, "classic", topic)
    sent = []

    def all_read(label, now):
        trial.wait_for_shares(now, topic, PARTITIONS)
        sent.extend(trial.produce_values(topic, label, PARTITIONS))
        wait_for_values(trial, members, sent)

    all_read("classic", [old])
    new = trial.member(topics=[topic], protocol="consumer")
    members.append(new)
    all_read("both", [old, new])
    old.stop()
    all_read("consumer", [new])
    again = trial.member(topics=[topic], protocol="classic")
    members.append(again)
    all_read("both again", [new, again])
    new.stop()
    all_read("classic again", [again])
    again.stop()
    trial.assertIn(CONSUMER_GROUP_HEARTBEAT, trial.served_keys(), "the client fell back to the classic protocol")


@feature("partitions added later are consumed", CLASSIC)
def grown(trial):
    topic = trial.topic(partitions=1)
    member = trial.member(topics=[topic])
    trial.wait_for_shares([member], topic, 1)
    trial.counterpart.call("create_partitions", topic=topic, total=3)
    trial.wait_for_shares([member], topic, 3)
    wait_for_values(trial, [member], trial.produce_values(topic, "grown", 3))
    member.stop()


@feature("two members of one instance id: the older is fenced", CLASSIC)
def fenced(trial):
    topic = trial.topic(partitions=PARTITIONS)
    more = {"topics": [topic], "instance": "the-one", "session_ms": 20_000}
    first = trial.member(**more)
    trial.wait_for_shares([first], topic, PARTITIONS)
    second = trial.member(**more)
    trial.wait(lambda: first.failure is not None or first.ended, "end of the older member", members=[second])
    trial.wait_for_shares([second], topic, PARTITIONS)
    trial.assertIn((first.failure or {"code": None})["code"], (82, None))
    wait_for_values(trial, [second], trial.produce_values(topic, "fenced", PARTITIONS))
