package main

import (
	"context"
	"encoding/json"

	"github.com/twmb/franz-go/pkg/kadm"
)

func administer(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	switch asked.Do {
	case "create_topic":
		return createTopic(ctx, admin, asked)
	case "describe_topic":
		return describeTopic(ctx, admin, asked)
	case "list_topics":
		found, err := admin.ListTopics(ctx)
		return object{"topics": found.Names()}, err
	case "delete_topic":
		found, err := admin.DeleteTopics(ctx, asked.Topic)
		return done, first(err, found.Error())
	case "create_partitions":
		found, err := admin.UpdatePartitions(ctx, asked.Total, asked.Topic)
		return done, first(err, found.Error())
	case "describe_config":
		return describeConfig(ctx, admin, asked)
	case "alter_config":
		return alterConfig(ctx, admin, asked)
	case "delete_records":
		before := kadm.Offsets{}
		before.AddOffset(asked.Topic, asked.Partition, asked.Before, -1)
		found, err := admin.DeleteRecords(ctx, before)
		return done, first(err, found.Error())
	case "offset_at":
		return offsetAt(ctx, admin, asked)
	}
	return administerGroups(ctx, admin, asked)
}

func administerGroups(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	switch asked.Do {
	case "list_groups":
		found, err := admin.ListGroups(ctx)
		return object{"groups": found.Groups()}, err
	case "describe_group":
		return describeGroup(ctx, admin, asked)
	case "committed":
		return committed(ctx, admin, asked)
	case "alter_offsets":
		return alterOffsets(ctx, admin, asked)
	case "delete_offsets":
		return deleteOffsets(ctx, admin, asked)
	case "delete_group":
		found, err := admin.DeleteGroups(ctx, asked.Group)
		return done, first(err, found.Error())
	}
	return nil, unsupported("no function for " + asked.Do)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func createTopic(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	var partitions int32
	if err := json.Unmarshal(asked.Partitions, &partitions); err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for name, value := range asked.Configs {
		configs[name] = &value
	}
	_, err := admin.CreateTopic(ctx, partitions, 1, configs, asked.Topic)
	return done, err
}

func describeTopic(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	found, err := admin.ListTopics(ctx, asked.Topic)
	return object{"partitions": len(found[asked.Topic].Partitions)}, first(err, found.Error())
}

func describeConfig(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	found, err := admin.DescribeTopicConfigs(ctx, asked.Topic)
	if err != nil {
		return nil, err
	}
	configs := object{}
	for _, one := range found[0].Configs {
		configs[one.Key] = object{"value": one.MaybeValue(), "default": one.Source.String() == "DEFAULT_CONFIG"}
	}
	return object{"configs": configs}, found[0].Err
}

func alterConfig(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	var changes []kadm.AlterConfig
	for name, value := range asked.Set {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	for _, name := range asked.Unset {
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	found, err := admin.AlterTopicConfigs(ctx, changes, asked.Topic)
	if err != nil {
		return nil, err
	}
	return done, found[0].Err
}

func offsetAt(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	var found kadm.ListedOffsets
	var err error
	switch at := asked.At.(type) {
	case float64:
		found, err = admin.ListOffsetsAfterMilli(ctx, int64(at), asked.Topic)
	default:
		if at == "earliest" {
			found, err = admin.ListStartOffsets(ctx, asked.Topic)
		} else {
			found, err = admin.ListEndOffsets(ctx, asked.Topic)
		}
	}
	one, _ := found.Lookup(asked.Topic, asked.Partition)
	return object{"offset": one.Offset}, first(err, found.Error())
}

func describeGroup(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	found, err := admin.DescribeGroups(ctx, asked.Group)
	if err := first(err, found.Error()); err != nil {
		return nil, err
	}
	members := [][][]any{}
	for _, one := range found[asked.Group].Members {
		pairs := [][]any{}
		if assigned, ok := one.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				for _, partition := range topic.Partitions {
					pairs = append(pairs, []any{topic.Topic, partition})
				}
			}
		}
		members = append(members, pairs)
	}
	return object{"state": found[asked.Group].State, "members": members}, nil
}

func committed(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	found, err := admin.FetchOffsets(ctx, asked.Group)
	if err := first(err, found.Error()); err != nil {
		return nil, err
	}
	offsets := [][]any{}
	found.Each(func(one kadm.OffsetResponse) {
		if one.Topic == asked.Topic {
			offsets = append(offsets, []any{one.Topic, one.Partition, one.At})
		}
	})
	return object{"offsets": offsets}, nil
}

func alterOffsets(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	places := kadm.Offsets{}
	for _, one := range asked.Offsets {
		places.AddOffset(one[0].(string), int32(one[1].(float64)), int64(one[2].(float64)), -1)
	}
	return done, admin.CommitAllOffsets(ctx, asked.Group, places)
}

func deleteOffsets(ctx context.Context, admin *kadm.Client, asked request) (any, error) {
	var partitions []int32
	if err := json.Unmarshal(asked.Partitions, &partitions); err != nil {
		return nil, err
	}
	places := kadm.TopicsSet{}
	places.Add(asked.Topic, partitions...)
	found, err := admin.DeleteOffsets(ctx, asked.Group, places)
	return done, first(err, found.Error())
}
