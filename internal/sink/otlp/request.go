// Package otlp sends records as OpenTelemetry logs, by OTLP over HTTP with
// protobuf (https://opentelemetry.io/docs/specs/otlp/).
package otlp

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"

	"xnumon/event"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// request makes the message for some records.
func (e *Exporter) request(recs []spool.Record) *collector.ExportLogsServiceRequest {
	list := make([]*logs.LogRecord, len(recs))
	for i := range recs {
		list[i] = logRecord(&recs[i])
	}
	res := &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "xnumon")}}
	if e.Host != "" {
		res.Attributes = append(res.Attributes, text("host.name", e.Host))
	}
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: res,
		ScopeLogs: []*logs.ScopeLogs{{
			Scope:      &common.InstrumentationScope{Name: "xnumon", Version: e.Version},
			LogRecords: list,
		}},
	}}}
}

// logRecord makes the log record of r. Its body is the record as it is; when
// that is JSON, its values are there once more as attributes, with the path of
// the value for a name: image.path, or ancestors.path with an array of the paths
// of all ancestors. log.record.uid is the same when a record comes twice.
func logRecord(r *spool.Record) *logs.LogRecord {
	data := transport.Trim(r.Data)
	head := transport.ReadHead(data)
	out := &logs.LogRecord{
		TimeUnixNano:         uint64(head.Time),
		ObservedTimeUnixNano: uint64(r.Time),
		SeverityNumber:       logs.SeverityNumber_SEVERITY_NUMBER_INFO,
		SeverityText:         "INFO",
		EventName:            head.Name(),
		Body:                 str(data),
	}
	if head.HasCode && head.Code == event.CodeStats && bytes.Contains(data, []byte(`"loss":{`)) {
		out.SeverityNumber, out.SeverityText = logs.SeverityNumber_SEVERITY_NUMBER_WARN, "WARN"
	}
	attributes := []*common.KeyValue{text("log.record.uid", r.Stream.String()+"-"+strconv.FormatUint(r.Seq, 10))}
	at := map[string]int{}
	if transport.Fields(data, func(path []byte, kind transport.Kind, value []byte) {
		v := scalar(kind, value)
		i, again := at[string(path)]
		if !again {
			at[string(path)] = len(attributes)
			attributes = append(attributes, &common.KeyValue{Key: string(bytes.ToValidUTF8(path, []byte("\ufffd"))), Value: v})
			return
		}
		kv := attributes[i]
		list, ok := kv.Value.Value.(*common.AnyValue_ArrayValue)
		if !ok {
			list = &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{kv.Value}}}
			kv.Value = &common.AnyValue{Value: list}
		}
		list.ArrayValue.Values = append(list.ArrayValue.Values, v)
	}) {
		out.Attributes = attributes
	} else {
		out.Attributes = attributes[:1]
	}
	return out
}

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: str([]byte(value))}
}

// str is a string, or bytes if it is not UTF-8, as strings have to be.
func str(b []byte) *common.AnyValue {
	if !utf8.Valid(b) {
		return &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: bytes.Clone(b)}}
	}
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: string(b)}}
}

// scalar is the value of a field. An integer that is too large for one stays as it is written.
func scalar(kind transport.Kind, b []byte) *common.AnyValue {
	switch kind {
	case transport.Bool:
		return &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: b[0] == 't'}}
	case transport.Number:
		if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
		}
		if bytes.ContainsAny(b, ".eE") {
			if f, err := strconv.ParseFloat(string(b), 64); err == nil {
				return &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: f}}
			}
		}
	}
	return str(b)
}
