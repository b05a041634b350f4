// The command tree of `sluice`, on CLI11: the only file that includes it.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "tools/cli/commands.h"
#include "tools/cli/completion.h"
#include "tools/cli/version.h"

namespace sluice::cli {
namespace {

// Holds what the options are parsed into, and what to run when parsing is done.
class CommandLine {
 public:
  CommandLine() : app_("sluice: an append-only message log broker that speaks Kafka's protocol", "sluice") {
    app_.require_subcommand(0, 1);
    app_.fallthrough();
    app_.set_version_flag("--version", std::string("sluice ") + kVersion);
    app_.add_option("-b,--brokers", context_.brokers, "HOST:PORT, several separated by commas")
        ->envname("SLUICE_BROKERS")
        ->capture_default_str();
    app_.add_option("--format", format_, "how to print what was found")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    AddStart();
    AddTopic();
    AddProduce();
    AddConsume();
    AddGroup();
    Command(app_, "status", "the cluster, its brokers and topics", [this] { return RunStatus(context_); });
    AddLog();
    AddBench();
    AddCompletion();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& success) {
      return app_.exit(success);
    } catch (const CLI::ParseError& error) {
      app_.exit(error, std::cerr, std::cerr);
      return kExitUsage;
    }
    context_.json = format_ == "json";
    if (!run_) {
      std::fputs(app_.help().c_str(), stdout);
      return kExitOk;
    }
    return run_();
  }

 private:
  CLI::App* Command(CLI::App& parent, const std::string& name, const std::string& help,
                    std::function<int()> run) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->callback([this, run = std::move(run)] { run_ = run; });
    return command;
  }

  static CLI::App* Group(CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* group = parent.add_subcommand(name, help);
    group->require_subcommand(1);
    group->fallthrough();
    return group;
  }

  void AddStart() {
    CLI::App* start = Command(app_, "start", "run the broker here; takes sluice-broker's options",
                              [this] { return RunStart(start_); });
    start->prefix_command();
    start->callback([this, start] {
      start_.arguments = start->remaining();
      run_ = [this] { return RunStart(start_); };
    });
  }

  void AddTopic() {
    CLI::App* topic = Group(app_, "topic", "topics");
    CLI::App* create =
        Command(*topic, "create", "make topics", [this] { return RunTopicCreate(context_, topic_); });
    create->add_option("NAME", topic_.names)->required();
    create->add_option("-p,--partitions", topic_.partitions, "how many; the broker's default otherwise");
    create->add_option("-r,--replication-factor", topic_.replication,
                       "how many copies; the broker's default otherwise");
    create->add_option("-c,--config", topic_.configs, "KEY=VALUE; may be repeated")->allow_extra_args(false);
    create->add_flag("--if-not-exists", topic_.if_not_exists, "fine when it is there already");
    Command(*topic, "list", "all topics", [this] { return RunTopicList(context_); })->alias("ls");
    CLI::App* describe = Command(*topic, "describe", "partitions, offsets and configs",
                                 [this] { return RunTopicDescribe(context_, topic_); });
    describe->add_option("NAME", topic_.names)->required();
    describe->add_flag("--all-configs", topic_.all_configs, "configs that have their default too");
    CLI::App* alter = Command(*topic, "alter", "change configs while the broker runs",
                              [this] { return RunTopicAlter(context_, topic_); });
    alter->add_option("NAME", topic_.names)->required();
    alter->add_option("-c,--config", topic_.configs, "KEY=VALUE; may be repeated")->allow_extra_args(false);
    alter->add_option("--unset", topic_.unset, "KEY: back to the broker's value; may be repeated")
        ->allow_extra_args(false);
    Command(*topic, "delete", "delete topics and their data",
            [this] { return RunTopicDelete(context_, topic_); })
        ->add_option("NAME", topic_.names)
        ->required();
    CLI::App* add = Command(*topic, "add-partitions", "give a topic more partitions",
                            [this] { return RunTopicAddPartitions(context_, topic_); });
    add->add_option("NAME", topic_.names)->required();
    add->add_option("-p,--partitions", topic_.partitions, "how many it shall have, in all")->required();
    CLI::App* records = Command(*topic, "delete-records", "delete the records before an offset, for good",
                                [this] { return RunTopicDeleteRecords(context_, delete_records_); });
    records->add_option("NAME", delete_records_.topic)->required();
    records
        ->add_option("--before", delete_records_.before,
                     "the first that stays: N, end, -N (N before the end), @MILLISECONDS, "
                     "@2026-01-31T12:00:00Z, @-1h")
        ->required();
    records->add_option("-p,--partition", delete_records_.partition, "one partition; otherwise all");
    records->add_flag("-y,--yes", delete_records_.yes, "do not ask");
  }

  void AddProduce() {
    CLI::App* produce = Command(app_, "produce", "send records: a line each, from standard input",
                                [this] { return RunProduce(context_, produce_); });
    produce->add_option("TOPIC", produce_.topic)->required();
    produce->add_option("-k,--key-delimiter", produce_.key_delimiter,
                        "what stands between key and value in a line");
    produce->add_option("-p,--partition", produce_.partition, "one partition; otherwise by key, or spread");
    produce->add_option("-H,--header", produce_.headers, "K=V, for every record; may be repeated")
        ->allow_extra_args(false);
    produce->add_option("-z,--compression", produce_.codec, "none, gzip, snappy, lz4 or zstd")
        ->capture_default_str();
    produce->add_option("--acks", produce_.acks, "0, 1 or all")->capture_default_str();
    produce->add_flag("--json", produce_.json, "each line is a record as `consume --json` prints it");
    produce->add_flag("-Z,--tombstones", produce_.tombstones, "an empty value is a null: a tombstone");
    produce->add_option("FILE", produce_.file, "a file instead of standard input");
  }

  void AddConsume() {
    CLI::App* consume = Command(app_, "consume", "print records to standard output",
                                [this] { return RunConsume(context_, consume_); });
    consume->add_option("TOPIC", consume_.topics, "one; several with -g")->required();
    consume
        ->add_option("-o,--offset", consume_.position,
                     "start, end, N, -N, @MILLISECONDS, @2026-01-31T12:00:00Z, @-1h; with -g start or end, "
                     "for where nothing is committed")
        ->capture_default_str();
    consume->add_option("-n,--count", consume_.count, "stop after so many records")
        ->check(CLI::PositiveNumber);
    consume->add_flag("-e,--exit", consume_.exit_at_end, "stop at the end; with -g, of what it was given");
    consume->add_option("-p,--partition", consume_.partition, "one partition; otherwise all");
    consume->add_option("-g,--group", consume_.group,
                        "as a member of this group: share its partitions, go on from and commit its offsets");
    consume->add_option("--instance-id", consume_.instance_id,
                        "with -g: a static member, whose partitions wait for it to come back");
    consume->add_option("--assignor", consume_.assignor, "with -g: range, cooperative-sticky or both")
        ->capture_default_str();
    consume
        ->add_option("--session-timeout", consume_.session_seconds,
                     "with -g: seconds of silence after which the group gives its partitions away")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    consume->add_flag("--no-commit", consume_.no_commit, "with -g: read without committing");
    CLI::Option* format = consume->add_option(
        "-f", consume_.format, "%v value %k key %h headers %t topic %p partition %o offset %d time");
    consume->add_flag("--json", consume_.json, "a JSON object a line, which `produce --json` takes back")
        ->excludes(format);
    consume->callback([this, format] {
      consume_.has_format = format->count() > 0;
      run_ = [this] { return RunConsume(context_, consume_); };
    });
  }

  void AddGroup() {
    CLI::App* group = Group(app_, "group", "consumer groups");
    CLI::App* list =
        Command(*group, "list", "all groups", [this] { return RunGroupList(context_, group_list_); });
    list->alias("ls");
    list->add_option("--state", group_list_.states, "only those in this state; may be repeated")
        ->allow_extra_args(false);
    Command(*group, "describe", "state and members", [this] { return RunGroupDescribe(context_, group_); })
        ->add_option("GROUP", group_.groups)
        ->required();
    CLI::App* lag = Command(*group, "lag", "how far behind, in records and in seconds",
                            [this] { return RunGroupLag(context_, group_lag_); });
    lag->add_option("GROUP", group_lag_.groups)->required();
    lag->add_flag("-w,--watch", group_lag_.watch, "again and again, until Ctrl-C");
    lag->add_option("--interval", group_lag_.interval_seconds, "with --watch: seconds between two looks")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    CLI::App* seek =
        Command(*group, "seek", "where a group without members shall go on; shows what would change",
                [this] { return RunGroupSeek(context_, group_seek_); });
    seek->add_option("GROUP", group_seek_.group)->required();
    seek->add_option("--to", group_seek_.to,
                     "start, end, N, -N (N before the end), @MILLISECONDS, @2026-01-31T12:00:00Z, @-1h");
    seek->add_option("--shift", group_seek_.shift, "by so many, back when negative");
    seek->add_option("--from-file", group_seek_.file, "a line each: topic,partition,offset");
    seek->add_option(
            "-t,--topic", group_seek_.topics,
            "NAME, or NAME:0,1 for some partitions; may be repeated; otherwise all that is committed")
        ->allow_extra_args(false);
    seek->add_flag("--execute", group_seek_.execute, "do it");
    CLI::App* remove = Command(*group, "delete", "delete groups without members, and their offsets",
                               [this] { return RunGroupDelete(context_, group_); });
    remove->add_option("GROUP", group_.groups)->required();
    remove->add_flag("-y,--yes", group_.yes, "do not ask");
  }

  void AddLog() {
    CLI::App* log = Group(app_, "log", "the files of a stopped broker");
    const std::string path = "a log dir, a partition's directory in it, or a segment file";
    CLI::App* dump =
        Command(*log, "dump", "the batches of segment files", [this] { return RunLogDump(context_, dump_); });
    dump->add_option("PATH", dump_.path, path)->required();
    dump->add_option("--from", dump_.from, "from the batch that holds this offset on");
    dump->add_option("--to", dump_.to, "up to this offset");
    CLI::Option* records = dump->add_flag("--records", dump_.records, "the records too");
    dump->add_flag("--records-only", dump_.records_only,
                   "the records and no batches; with --format json as `produce --json` takes them back")
        ->excludes(records);
    dump->add_flag("--running", dump_.running, "even while a broker has the directory");
    Command(*log, "verify", "check every byte, offset and index entry; changes nothing",
            [this] { return RunLogVerify(context_, path_); })
        ->add_option("PATH", path_.path, path)
        ->required();
    CLI::App* repair = Command(*log, "repair", "make damaged logs fit to be served; tells what it would do",
                               [this] { return RunLogRepair(context_, repair_); });
    repair->add_option("PATH", repair_.path, "a log dir, or a partition's directory in it")->required();
    repair->add_flag("--yes", repair_.yes, "do it");
    repair->add_flag("--truncate", repair_.truncate,
                     "end the log before the first damage, instead of keeping all that is whole");
    repair->add_flag("--discard", repair_.discard, "do not keep the damaged files");
    CLI::App* index = Group(*log, "index", "the offset index, which is derived from the log");
    Command(*index, "rebuild", "make it anew from the segments",
            [this] { return RunLogIndexRebuild(context_, path_); })
        ->add_option("PATH", path_.path, "a log dir")
        ->required();
  }

  void AddBench() {
    CLI::App* bench = Group(app_, "bench", "how fast a broker is, over Kafka's protocol");
    CLI::App* produce =
        Command(*bench, "produce", "send records", [this] { return RunBenchProduce(context_, bench_); });
    CLI::App* consume = Command(*bench, "consume", "read records from the start",
                                [this] { return RunBenchConsume(context_, bench_); });
    for (CLI::App* command : {produce, consume}) {
      command->add_option("TOPIC", bench_.topic)->required();
      command->add_option("-n,--records", bench_.records, "how many")->capture_default_str();
      command->add_option("--broker-pid", bench_.broker_pid, "tell this process's CPU seconds too");
    }
    produce->add_option("-s,--record-bytes", bench_.record_bytes, "size of a value")->capture_default_str();
    produce->add_option("--batch-bytes", bench_.batch_bytes, "size of a batch")->capture_default_str();
    produce->add_option("--linger-ms", bench_.linger_ms, "how long a batch waits for more")
        ->capture_default_str();
    produce->add_option("--producers", bench_.producers, "how many, each with a connection of its own")
        ->capture_default_str();
    produce->add_option("--in-flight", bench_.in_flight, "requests of one producer ahead of their answers")
        ->capture_default_str();
    produce->add_option("--acks", bench_.acks, "0, 1 or all")->capture_default_str();
    produce->add_option("-z,--compression", bench_.codec, "none, gzip, snappy, lz4 or zstd")
        ->capture_default_str();
    produce->add_flag("!--no-idempotence", bench_.idempotent, "plain producers");
    produce->add_option("--partitions", bench_.partitions, "of the topic, when it is made")
        ->capture_default_str();
    produce->add_option("--rate", bench_.rate, "records a second, over all producers; 0: as fast as it goes");
    consume->add_option("--fetch-bytes", bench_.fetch_bytes, "size of a fetch")->capture_default_str();
  }

  void AddCompletion() {
    CLI::App* completion =
        app_.add_subcommand("completion", "the script that completes command lines in bash");
    completion->add_option("SHELL", shell_)->check(CLI::IsMember({"bash"}))->capture_default_str();
    completion->callback([this] {
      run_ = [this] {
        std::fputs(BashCompletion(Describe(app_)).c_str(), stdout);
        return static_cast<int>(kExitOk);
      };
    });
  }

  // The tree without CLI11's types.
  static CommandTree Describe(const CLI::App& app) {
    CommandTree tree{.name = app.get_name(), .options = {}, .children = {}};
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        tree.options.push_back("--" + name);
      }
      for (const std::string& name : option->get_snames()) {
        tree.options.push_back("-" + name);
      }
    }
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
      tree.children.push_back(Describe(*child));
    }
    return tree;
  }

  CLI::App app_;
  Context context_;
  std::string format_ = "table";
  std::string shell_ = "bash";
  StartOptions start_;
  TopicOptions topic_;
  DeleteRecordsOptions delete_records_;
  ProduceOptions produce_;
  ConsumeOptions consume_;
  GroupListOptions group_list_;
  GroupOptions group_;
  GroupLagOptions group_lag_;
  GroupSeekOptions group_seek_;
  LogDumpOptions dump_;
  LogPathOptions path_;
  LogRepairOptions repair_;
  BenchOptions bench_;
  std::function<int()> run_;
};

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) {
  return sluice::cli::CommandLine().Run(argc, argv);
}
