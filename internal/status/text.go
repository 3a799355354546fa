package status

import (
	"fmt"
	"strings"
	"time"

	"xnumon/event"
)

// AppendText appends what the monitor has done and how it is, for people. before is
// what it was a while earlier, for the rates.
func AppendText(dst []byte, before, s *event.Stats) []byte {
	line := func(what, format string, a ...any) {
		dst = fmt.Appendf(dst, "%-12s ", what)
		dst = fmt.Appendf(dst, format, a...)
		dst = append(dst, '\n')
	}
	span := time.Duration(s.Time - before.Time).Seconds()
	rate := func(was, is uint64) float64 {
		if span <= 0 || is < was {
			return 0
		}
		return float64(is-was) / span
	}
	o, p := &s.Observed, &before.Observed
	line("up", "%v since %s", time.Duration(s.Time-s.Since).Round(time.Second), time.Unix(0, int64(s.Since)).UTC().Format(time.RFC3339))
	line("holds", "%d processes, %d images, %d digests, %.1f MiB of memory", s.Processes, s.Images, s.Acquisition.Cached, float64(s.Memory)/(1<<20))
	line("execs", "%d, now %.1f a second", o.Execs, rate(p.Execs, o.Execs))
	line("forks", "%d, now %.1f a second", o.Forks, rate(p.Forks, o.Forks))
	line("lost", "%d observations in %d losses", o.Lost, o.Losses)
	line("unknown", "%d forkers, %d that executed, %d images; %d processes looked up", o.Misses.Forks, o.Misses.Execs, o.Misses.Images, o.Lookups)
	if by := &o.SuppressedBy; o.Suppressed > 0 || by.Elsewhere > 0 {
		line("suppressed", "%d execs: %d by path, %d by ancestor; %d files were elsewhere", o.Suppressed, by.Path+by.Ident, by.AncestorPath+by.AncestorIdent, by.Elsewhere)
	}
	if g := s.Gate; g != nil {
		line("gate", "%s: %d held, %d known, %d let go at the deadline, %d missed, %d errors", g.Level, g.Held, g.Known, g.Deadline, g.Missed, g.Errors)
		line("delay", "p50 %v, p99 %v, most %v", time.Duration(g.P50), time.Duration(g.P99), time.Duration(g.Max))
	} else {
		line("gate", "none")
	}
	a := &s.Acquisition
	line("hashed", "%d files, %.1f MiB; %d looked up", a.Hashed, float64(a.HashedBytes)/(1<<20), a.Lookups)
	line("cache", "%d hits, %d misses, %d invalidated", a.Hits, a.Misses, a.Invalidated)
	var missing []string
	for _, c := range a.Missing {
		missing = append(missing, fmt.Sprintf("%s %d", c.Reason, c.Count))
	}
	if len(missing) > 0 {
		line("not hashed", "%s", strings.Join(missing, ", "))
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		limit := ""
		if q.Limit > 0 {
			limit = fmt.Sprintf(" of %d", q.Limit)
		}
		line("queue", "%-8s %d%s waiting, %d dropped", q.Name, q.Depth, limit, q.Dropped)
	}
	for i := range s.Outputs {
		w := &s.Outputs[i]
		line("output", "%q: %d records, %d bytes, %d dropped, %d errors", w.Name, w.Records, w.Bytes, w.Dropped, w.Errors)
		if w.Spooled+w.SpoolBytes+w.Refused+w.Damaged > 0 {
			line("", "%d waiting in the spool, %.1f MiB on disk, %d refused, %d damaged", w.Spooled, float64(w.SpoolBytes)/(1<<20), w.Refused, w.Damaged)
		}
		if w.Error != "" {
			line("", "%q", w.Error)
		}
	}
	return dst
}
