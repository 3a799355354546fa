package status

import (
	"fmt"
	"strconv"
	"strings"

	"xnumon/event"
)

// AppendMetrics appends s in the text format of Prometheus, version 0.0.4.
func AppendMetrics(dst []byte, s *event.Stats) []byte {
	m := metrics{dst}
	m.one("gauge", "start_time_seconds", "When the monitor began, in seconds since 1970.", float64(s.Since)/1e9)
	m.one("gauge", "processes", "Live processes in the table.", float64(s.Processes))
	m.one("gauge", "images", "Images that live processes run and descend from.", float64(s.Images))
	m.one("gauge", "resident_memory_bytes", "Resident memory of the monitor.", float64(s.Memory))
	m.one("counter", "cpu_seconds_total", "Time that the monitor has run.", float64(s.CPU)/1e9)

	o := &s.Observed
	m.name("counter", "observations_total", "Observations by kind.")
	m.sample("observations_total", float64(o.Forks), "kind", "fork")
	m.sample("observations_total", float64(o.Execs), "kind", "exec")
	m.sample("observations_total", float64(o.Exits), "kind", "exit")
	m.sample("observations_total", float64(o.Lookups), "kind", "lookup")
	m.one("counter", "observations_lost_total", "Observations that were lost and counted.", float64(o.Lost))
	m.one("counter", "losses_total", "How often observations were lost.", float64(o.Losses))
	m.name("counter", "misses_total", "What the table of processes should have known and did not, by kind.")
	m.sample("misses_total", float64(o.Misses.Forks), "kind", "fork")
	m.sample("misses_total", float64(o.Misses.Execs), "kind", "exec")
	m.sample("misses_total", float64(o.Misses.Images), "kind", "image")
	m.name("counter", "execs_suppressed_total", "Execs that got no record because of the configuration, by kind of rule.")
	m.sample("execs_suppressed_total", float64(o.SuppressedBy.Path), "rule", "path")
	m.sample("execs_suppressed_total", float64(o.SuppressedBy.Ident), "rule", "ident")
	m.sample("execs_suppressed_total", float64(o.SuppressedBy.AncestorPath), "rule", "ancestor_path")
	m.sample("execs_suppressed_total", float64(o.SuppressedBy.AncestorIdent), "rule", "ancestor_ident")
	m.one("counter", "suppression_elsewhere_total", "Files at the path of a rule that were not shown to be the machine's own.", float64(o.SuppressedBy.Elsewhere))

	a := &s.Acquisition
	m.one("counter", "file_lookups_total", "Files opened through the process that ran them.", float64(a.Lookups))
	m.one("counter", "files_hashed_total", "Files that were read.", float64(a.Hashed))
	m.one("counter", "hashed_bytes_total", "Bytes of files that were read.", float64(a.HashedBytes))
	m.one("gauge", "cache_digests", "Digests in the cache.", float64(a.Cached))
	m.one("counter", "cache_hits_total", "Digests found in the cache.", float64(a.Hits))
	m.one("counter", "cache_misses_total", "Digests not found in the cache.", float64(a.Misses))
	m.one("counter", "cache_evicted_total", "Digests that had to make room.", float64(a.Evicted))
	m.one("counter", "cache_invalidated_total", "Known files that were found changed or opened for writing.", float64(a.Invalidated))
	if len(a.Missing) > 0 {
		m.name("counter", "digests_missing_total", "Digests missing in records, by reason.")
		for _, c := range a.Missing {
			m.sample("digests_missing_total", float64(c.Count), "reason", string(c.Reason))
		}
	}
	m.gate(s.Gate)
	m.queues(s.Queues)
	m.outputs(s.Outputs)
	return m.b
}

// metrics writes samples.
type metrics struct{ b []byte }

func (m *metrics) gate(g *event.GateStats) {
	if g == nil {
		return
	}
	m.name("counter", "gate_execs_total", "Execs that happened, by what the gate did with them.")
	m.sample("gate_execs_total", float64(g.Held), "outcome", event.GateHeld)
	m.sample("gate_execs_total", float64(g.Known), "outcome", event.GateKnown)
	m.sample("gate_execs_total", float64(g.Deadline), "outcome", event.GateDeadline)
	m.sample("gate_execs_total", float64(g.Missed), "outcome", event.GateMissed)
	m.one("counter", "gate_errors_total", "Files let go without being understood.", float64(g.Errors))
	m.one("counter", "gate_stood_in_total", "Files that the watchdog let go.", float64(g.StoodIn))
	m.name("gauge", "gate_delay_seconds", "For how long held execs were kept waiting, since the start.")
	m.sample("gate_delay_seconds", float64(g.P50)/1e9, "quantile", "0.5")
	m.sample("gate_delay_seconds", float64(g.P99)/1e9, "quantile", "0.99")
	m.sample("gate_delay_seconds", float64(g.Max)/1e9, "quantile", "1")
}

// queues writes those that are there once. That of an output is told by its name there.
func (m *metrics) queues(list []event.QueueStats) {
	for _, q := range []struct {
		name, kind, help string
		value            func(*event.QueueStats) uint64
	}{
		{"queue_depth", "gauge", "What waits, in the unit of the queue.", func(q *event.QueueStats) uint64 { return q.Depth }},
		{"queue_dropped_total", "counter", "What found no room.", func(q *event.QueueStats) uint64 { return q.Dropped }},
	} {
		m.name(q.kind, q.name, q.help)
		outputs := 0
		for i := range list {
			labels := []string{"queue", list[i].Name}
			if list[i].Name == "output" {
				labels = append(labels, "number", strconv.Itoa(outputs))
				outputs++
			}
			m.sample(q.name, float64(q.value(&list[i])), labels...)
		}
	}
}

func (m *metrics) outputs(list []event.OutputStats) {
	for _, o := range []struct {
		kind, name, help string
		value            func(*event.OutputStats) uint64
	}{
		{"counter", "output_records_total", "Records written.", func(o *event.OutputStats) uint64 { return o.Records }},
		{"counter", "output_bytes_total", "Bytes written.", func(o *event.OutputStats) uint64 { return o.Bytes }},
		{"counter", "output_dropped_total", "Records that were not written.", func(o *event.OutputStats) uint64 { return o.Dropped }},
		{"counter", "output_refused_total", "Records that the destination would not take.", func(o *event.OutputStats) uint64 { return o.Refused }},
		{"counter", "output_damaged_total", "Records that could not be read back from the spool.", func(o *event.OutputStats) uint64 { return o.Damaged }},
		{"counter", "output_errors_total", "Tries to write that failed.", func(o *event.OutputStats) uint64 { return o.Errors }},
		{"gauge", "output_spooled", "Records that wait until they are sent and confirmed.", func(o *event.OutputStats) uint64 { return o.Spooled }},
		{"gauge", "output_spool_bytes", "Bytes on disk that they use.", func(o *event.OutputStats) uint64 { return o.SpoolBytes }},
	} {
		if len(list) == 0 {
			return
		}
		m.name(o.kind, o.name, o.help)
		for i := range list {
			m.sample(o.name, float64(o.value(&list[i])), "output", list[i].Name, "number", strconv.Itoa(i))
		}
	}
}

func (m *metrics) one(kind, name, help string, v float64) {
	m.name(kind, name, help)
	m.sample(name, v)
}

func (m *metrics) name(kind, name, help string) {
	m.b = fmt.Appendf(m.b, "# HELP xnumon_%s %s\n# TYPE xnumon_%[1]s %[3]s\n", name, help, kind)
}

// escape is what the format wants of the values of labels, which are UTF-8.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func (m *metrics) sample(name string, v float64, labels ...string) {
	m.b = append(append(m.b, "xnumon_"...), name...)
	for i := 0; i+1 < len(labels); i += 2 {
		c := byte(',')
		if i == 0 {
			c = '{'
		}
		m.b = fmt.Appendf(append(m.b, c), `%s="%s"`, labels[i], escape.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD")))
	}
	if len(labels) > 0 {
		m.b = append(m.b, '}')
	}
	m.b = append(m.b, ' ')
	m.b = strconv.AppendFloat(m.b, v, 'g', -1, 64)
	m.b = append(m.b, '\n')
}
