// franz-go: the contract of tests/conformance/README.md, a request a line on stdin, an answer a line on stdout.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type object = map[string]any

// A record as the driver writes it. Bytes are base64 in JSON, nil is null.
type record struct {
	Partition *int32  `json:"partition"`
	Key       []byte  `json:"key"`
	Value     []byte  `json:"value"`
	Headers   [][]any `json:"headers"`
	Timestamp *int64  `json:"timestamp"`
}

type request struct {
	Do         string            `json:"do"`
	Topic      string            `json:"topic"`
	Topics     []string          `json:"topics"`
	Pattern    string            `json:"pattern"`
	Partition  int32             `json:"partition"`
	Partitions json.RawMessage   `json:"partitions"`
	Configs    map[string]string `json:"configs"`
	Set        map[string]string `json:"set"`
	Unset      []string          `json:"unset"`
	Total      int               `json:"total"`
	Before     int64             `json:"before"`
	At         any               `json:"at"`
	Group      string            `json:"group"`
	Offsets    [][]any           `json:"offsets"`
	Records    []record          `json:"records"`
	Codec      string            `json:"codec"`
	Acks       string            `json:"acks"`
	Idempotent bool              `json:"idempotent"`
	Start      any               `json:"start"`
	Reset      string            `json:"reset"`
	Count      int               `json:"count"`
	Seconds    int               `json:"seconds"`
	Instance   string            `json:"instance"`
	SessionMs  int               `json:"session_ms"`
	BeatMs     int               `json:"heartbeat_ms"`
	Assignor   string            `json:"assignor"`
	Protocol   string            `json:"protocol"`
}

type unsupported string

func (u unsupported) Error() string { return string(u) }

var (
	address = os.Args[1]
	in      = bufio.NewReaderSize(os.Stdin, 1<<20)
	out     = json.NewEncoder(os.Stdout)
	done    = object{}
)

func main() {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		ok, err := handle(asked)
		switch {
		case err == nil:
			emit(object{"ok": ok})
		case errors.As(err, new(unsupported)):
			emit(object{"unsupported": err.Error()})
		default:
			emit(object{"error": object{"code": code(err), "text": err.Error()}})
		}
	}
}

func emit(line object) {
	if err := out.Encode(line); err != nil {
		os.Exit(1)
	}
}

// Kafka's number of an error, or nil where it is the client's own.
func code(err error) any {
	var broker *kerr.Error
	if errors.As(err, &broker) {
		return broker.Code
	}
	return nil
}

func client(options ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{kgo.SeedBrokers(address), kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.UnknownTopicRetries(2)}
	return kgo.NewClient(append(base, options...)...)
}

func handle(asked request) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch asked.Do {
	case "hello":
		return object{"client": "franz-go " + version()}, nil
	case "produce":
		return produce(ctx, asked)
	case "consume":
		return consume(asked)
	case "member":
		return member(asked)
	}
	cl, err := client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return administer(ctx, kadm.NewClient(cl), asked)
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

func codec(name string) kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}[name]
}

func produce(ctx context.Context, asked request) (any, error) {
	acks := map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}[asked.Acks]
	options := []kgo.Opt{kgo.RequiredAcks(acks), kgo.ProducerBatchCompression(codec(asked.Codec)), kgo.ProducerLinger(20 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(1_000_000)}
	if !asked.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	if len(asked.Records) > 0 && asked.Records[0].Partition == nil {
		options = append(options, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	}
	cl, err := client(options...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	records := make([]*kgo.Record, len(asked.Records))
	for i, one := range asked.Records {
		records[i] = toRecord(asked.Topic, one)
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	offsets := make([]int64, len(records))
	for i, one := range records {
		offsets[i] = one.Offset
	}
	if asked.Acks == "0" || asked.Records[0].Partition == nil {
		return object{"offsets": nil}, nil
	}
	return object{"offsets": offsets}, nil
}

func toRecord(topic string, one record) *kgo.Record {
	record := &kgo.Record{Topic: topic, Key: one.Key, Value: one.Value}
	if one.Partition != nil {
		record.Partition = *one.Partition
	}
	if one.Timestamp != nil {
		record.Timestamp = time.UnixMilli(*one.Timestamp)
	}
	for _, header := range one.Headers {
		var content []byte
		if text, ok := header[1].(string); ok {
			_ = json.Unmarshal([]byte(`"`+text+`"`), &content)
		}
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: header[0].(string), Value: content})
	}
	return record
}

func take(one *kgo.Record) object {
	headers := [][]any{}
	for _, header := range one.Headers {
		headers = append(headers, []any{header.Key, header.Value})
	}
	return object{"partition": one.Partition, "offset": one.Offset, "key": one.Key, "value": one.Value, "headers": headers,
		"timestamp": one.Timestamp.UnixMilli(), "append_time": one.Attrs.TimestampType() == 1}
}

func startOf(start any) kgo.Offset {
	switch where := start.(type) {
	case float64:
		return kgo.NewOffset().At(int64(where))
	case object:
		return kgo.NewOffset().AfterMilli(int64(where["time"].(float64)))
	}
	if start == "latest" {
		return kgo.NewOffset().AtEnd()
	}
	return kgo.NewOffset().AtStart()
}

func consume(asked request) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(asked.Seconds)*time.Second)
	defer cancel()
	reset := map[string]kgo.Offset{"earliest": kgo.NewOffset().AtStart(), "latest": kgo.NewOffset().AtEnd(), "error": kgo.NoResetOffset()}
	cl, err := client(kgo.ConsumeResetOffset(reset[asked.Reset]), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{asked.Topic: {asked.Partition: startOf(asked.Start)}}))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	known, err := kadm.NewClient(cl).ListTopics(ctx, asked.Topic) // A topic that is not there is waited for in silence.
	if err := first(err, known.Error()); err != nil {
		return nil, err
	}
	found := []object{}
	for len(found) < asked.Count {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("only %d of %d records: %w", len(found), asked.Count, err)
		}
		for _, failed := range fetches.Errors() {
			return nil, failed.Err
		}
		fetches.EachRecord(func(one *kgo.Record) { found = append(found, take(one)) })
	}
	return object{"records": found[:asked.Count]}, nil
}

func tell(what string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
		pairs := [][]any{}
		for topic, partitions := range moved {
			for _, partition := range partitions {
				pairs = append(pairs, []any{topic, partition})
			}
		}
		emit(object{"event": what, "partitions": pairs})
	}
}

func memberOptions(asked request) []kgo.Opt {
	options := []kgo.Opt{kgo.ConsumerGroup(asked.Group), kgo.DisableAutoCommit(), kgo.SessionTimeout(time.Duration(asked.SessionMs) * time.Millisecond),
		kgo.HeartbeatInterval(time.Duration(asked.BeatMs) * time.Millisecond), kgo.RebalanceTimeout(10 * time.Second),
		kgo.OnPartitionsAssigned(tell("assigned")), kgo.OnPartitionsRevoked(tell("revoked")), kgo.OnPartitionsLost(tell("revoked")),
		kgo.ConsumeResetOffset(startOf(asked.Reset)), kgo.FetchMaxWait(200 * time.Millisecond), kgo.BlockRebalanceOnPoll()}
	if asked.Pattern != "" {
		options = append(options, kgo.ConsumeTopics(asked.Pattern), kgo.ConsumeRegex())
	} else {
		options = append(options, kgo.ConsumeTopics(asked.Topics...))
	}
	if asked.Instance != "" {
		options = append(options, kgo.InstanceID(asked.Instance))
	}
	if asked.Assignor == "range" {
		options = append(options, kgo.Balancers(kgo.RangeBalancer()))
	} else {
		options = append(options, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	return options
}

func member(asked request) (any, error) {
	options := memberOptions(asked)
	if asked.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	}
	cl, err := client(options...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = in.ReadBytes('\n')
		cancel()
	}()
	if err := follow(ctx, cl); err != nil {
		return nil, err
	}
	cl.CloseAllowingRebalance()
	os.Exit(0)
	return nil, nil
}

// Tells and commits records until the context ends.
func follow(ctx context.Context, cl *kgo.Client) error {
	for ctx.Err() == nil {
		fetches := cl.PollRecords(ctx, 100)
		for _, failed := range fetches.Errors() {
			if code(failed.Err) != nil && !kerr.IsRetriable(failed.Err) { // The client itself tries again after the others.
				return failed.Err
			}
		}
		for _, one := range fetches.Records() {
			emit(object{"event": "records", "topic": one.Topic, "records": []object{take(one)}})
			if err := cl.CommitRecords(context.Background(), one); err != nil {
				return err
			}
		}
		cl.AllowRebalance()
	}
	return nil
}
