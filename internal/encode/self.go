package encode

import "xnumon/event"

// Records of the monitor about itself. The fields that public schemas have for
// them are few: the rest stands where each schema wants what it does not know.

// ops writes the fields of the record of an operation.
func (w *writer) ops(r *event.Ops) {
	w.head(r.Time, event.CodeOps)
	w.str("op", string(r.Op))
	w.str("error", r.Error)
	w.uint("pid", uint64(r.Pid))
	if r.Build != (event.Build{}) {
		n := w.open("build")
		w.str("version", r.Build.Version)
		w.str("revision", r.Build.Revision)
		w.str("go", r.Build.Go)
		w.close(n)
	}
	if r.System != (event.System{}) {
		n := w.open("system")
		w.str("hostname", r.System.Hostname)
		w.str("os", r.System.OS)
		w.str("arch", r.System.Arch)
		w.str("kernel", r.System.Kernel)
		w.time("boot_time", r.System.BootTime)
		w.close(n)
	}
	w.str("config_id", r.ConfigID)
	w.settings("config", r.Config)
	w.settings("changed", r.Changed)
}

func (w *writer) settings(key string, list []event.Setting) {
	if len(list) == 0 {
		return
	}
	n := w.open(key)
	for _, s := range list {
		w.quoteKey(s.Key)
		w.quote(s.Key, s.Value)
	}
	w.close(n)
}

// stats writes the fields of the record of the monitor's state.
func (w *writer) stats(r *event.Stats) {
	w.head(r.Time, event.CodeStats)
	n := w.open("stats")
	w.time("since", r.Since)
	w.uint("processes", r.Processes)
	w.uint("images", r.Images)
	w.uint("memory", r.Memory)
	w.int("cpu_ns", r.CPU)
	o := w.open("observed")
	w.uint("forks", r.Observed.Forks)
	w.uint("execs", r.Observed.Execs)
	w.uint("exits", r.Observed.Exits)
	w.uint("lookups", r.Observed.Lookups)
	w.uint("lost", r.Observed.Lost)
	w.uint("losses", r.Observed.Losses)
	m := w.open("misses")
	w.uint("forks", r.Observed.Misses.Forks)
	w.uint("execs", r.Observed.Misses.Execs)
	w.uint("images", r.Observed.Misses.Images)
	w.close(m)
	w.uint("suppressed", r.Observed.Suppressed)
	by := &r.Observed.SuppressedBy
	m = w.open("suppressed_by")
	w.uint("path", by.Path)
	w.uint("ident", by.Ident)
	w.uint("ancestor_path", by.AncestorPath)
	w.uint("ancestor_ident", by.AncestorIdent)
	w.uint("elsewhere", by.Elsewhere)
	w.close(m)
	w.close(o)
	w.acquisition(&r.Acquisition)
	w.gateStats(r.Gate)
	w.queues(r.Queues)
	w.outputs(r.Outputs)
	w.close(n)
}

func (w *writer) acquisition(a *event.AcquisitionStats) {
	n := w.open("acquisition")
	w.uint("lookups", a.Lookups)
	w.uint("hashed", a.Hashed)
	w.uint("hashed_bytes", a.HashedBytes)
	w.uint("cached", a.Cached)
	w.uint("hits", a.Hits)
	w.uint("misses", a.Misses)
	w.uint("evicted", a.Evicted)
	w.uint("invalidated", a.Invalidated)
	if len(a.Missing) > 0 {
		m := w.open("missing")
		for _, c := range a.Missing {
			w.uint(string(c.Reason), c.Count)
		}
		w.close(m)
	}
	w.close(n)
}

func (w *writer) gateStats(g *event.GateStats) {
	if g == nil {
		return
	}
	n := w.open("gate")
	w.str("level", g.Level)
	w.uint("held", g.Held)
	w.uint("known", g.Known)
	w.uint("deadline", g.Deadline)
	w.uint("missed", g.Missed)
	w.uint("errors", g.Errors)
	w.uint("stood_in", g.StoodIn)
	w.int("p50_ns", g.P50)
	w.int("p99_ns", g.P99)
	w.int("max_ns", g.Max)
	w.close(n)
}

func (w *writer) queues(list []event.QueueStats) {
	if len(list) == 0 {
		return
	}
	outer := w.openList("queues")
	for i := range list {
		q := &list[i]
		n := w.openElement(i)
		w.str("name", q.Name)
		w.uint("depth", q.Depth)
		w.num("limit", q.Limit)
		w.uint("dropped", q.Dropped)
		w.close(n)
	}
	w.closeList(outer)
}

func (w *writer) outputs(list []event.OutputStats) {
	if len(list) == 0 {
		return
	}
	outer := w.openList("outputs")
	for i := range list {
		o := &list[i]
		n := w.openElement(i)
		w.str("name", o.Name)
		w.uint("records", o.Records)
		w.uint("bytes", o.Bytes)
		w.uint("dropped", o.Dropped)
		w.num("spooled", o.Spooled)
		w.num("spool_bytes", o.SpoolBytes)
		w.num("refused", o.Refused)
		w.num("damaged", o.Damaged)
		w.uint("errors", o.Errors)
		w.str("error", o.Error)
		w.close(n)
	}
	w.closeList(outer)
}

// AppendOps appends the record of an operation.
func (e *JSON) AppendOps(dst []byte, r *event.Ops) []byte {
	e.w.begin(dst)
	e.w.ops(r)
	e.w.escapedList()
	return e.w.end()
}

// AppendStats appends the record of the monitor's state.
func (e *JSON) AppendStats(dst []byte, r *event.Stats) []byte {
	e.w.begin(dst)
	e.w.stats(r)
	e.w.escapedList()
	return e.w.end()
}

// AppendOps appends the record of an operation.
func (e *JSONSeq) AppendOps(dst []byte, r *event.Ops) []byte {
	return e.json.AppendOps(append(dst, recordSeparator), r)
}

// AppendStats appends the record of the monitor's state.
func (e *JSONSeq) AppendStats(dst []byte, r *event.Stats) []byte {
	return e.json.AppendStats(append(dst, recordSeparator), r)
}

// AppendOps appends the record of an operation.
func (e *YAML) AppendOps(dst []byte, r *event.Ops) []byte {
	e.record = e.json.AppendOps(e.record[:0], r)
	return e.layout.document(dst, e.record)
}

// AppendStats appends the record of the monitor's state.
func (e *YAML) AppendStats(dst []byte, r *event.Stats) []byte {
	e.record = e.json.AppendStats(e.record[:0], r)
	return e.layout.document(dst, e.record)
}

// AppendOps appends the record of an operation.
func (e *ECS) AppendOps(dst []byte, r *event.Ops) []byte {
	w := &e.w
	w.begin(dst)
	e.head(r.Time)
	n := w.open("event")
	e.kind("event", string(r.Op), "ops", event.CodeOps)
	w.close(n)
	n = w.openExtension("xnumon", ecsLoss{})
	w.ops(r)
	w.closeExtension(n)
	return w.end()
}

// AppendStats appends the record of the monitor's state.
func (e *ECS) AppendStats(dst []byte, r *event.Stats) []byte {
	w := &e.w
	w.begin(dst)
	e.head(r.Time)
	n := w.open("event")
	e.kind("metric", "stats", "stats", event.CodeStats)
	w.close(n)
	n = w.openExtension("xnumon", ecsLoss{})
	w.stats(r)
	w.closeExtension(n)
	return w.end()
}

// AppendOps appends the record of an operation.
func (e *OCSF) AppendOps(dst []byte, r *event.Ops) []byte {
	e.base(dst, string(r.Op), r.Time, event.CodeOps)
	n := e.w.openExtension("unmapped", ocsfLoss{})
	e.w.ops(r)
	e.w.closeExtension(n)
	return e.w.end()
}

// AppendStats appends the record of the monitor's state.
func (e *OCSF) AppendStats(dst []byte, r *event.Stats) []byte {
	e.base(dst, "stats", r.Time, event.CodeStats)
	n := e.w.openExtension("unmapped", ocsfLoss{})
	e.w.stats(r)
	e.w.closeExtension(n)
	return e.w.end()
}

// base begins a Base Event, which is what the schema has for what fits nowhere.
func (e *OCSF) base(dst []byte, activity string, at event.Time, code event.Code) {
	w := &e.w
	w.begin(dst)
	w.raw("class_uid", `0,"class_name":"Base Event","category_uid":0,"category_name":"Uncategorized"`)
	w.word("activity_name", activity)
	w.raw("activity_id", `99,"type_uid":99,"type_name":"Base Event: Other"`)
	w.raw("severity_id", `1,"severity":"Informational"`)
	e.moment("time", "time_dt", at)
	e.metadata(code, `["datetime","host"]`)
	e.device()
}

// AppendOps appends a line.
func (t *Text) AppendOps(dst []byte, r *event.Ops) []byte {
	dst = t.newDay(dst, r.Time)
	l := t.begin(dst)
	t.clock(r.Time)
	t.rightNum(uint64(r.Pid), pidWidth, plain)
	l.text(" xnumon ")
	l.style(bold)
	l.words(string(r.Op))
	l.style(plain)
	if r.ConfigID != "" {
		l.text(", configuration ")
		l.quote(r.ConfigID)
	}
	for _, s := range r.Changed {
		l.text(", ")
		l.words(s.Key)
		l.text(" ")
		l.quote(s.Value)
	}
	if r.Error != "" {
		l.style(yellow)
		l.text(" (")
		l.words(r.Error)
		l.text(")")
	}
	return l.end()
}

// AppendStats appends a line with the most telling of the numbers.
func (t *Text) AppendStats(dst []byte, r *event.Stats) []byte {
	dst = t.newDay(dst, r.Time)
	l := t.begin(dst)
	t.clock(r.Time)
	l.style(dim)
	t.right("STATS", pidWidth, dim)
	l.style(dim)
	l.text(" ")
	l.num(r.Processes)
	l.text(" processes, ")
	l.num(r.Observed.Execs)
	l.text(" execs, ")
	l.num(r.Observed.Lost)
	l.text(" lost")
	if g := r.Gate; g != nil {
		l.text(", held ")
		l.num(g.Held)
		l.text(", delay p50 ")
		l.num(uint64(max(g.P50, 0)) / 1000)
		l.text(" p99 ")
		l.num(uint64(max(g.P99, 0)) / 1000)
		l.text(" max ")
		l.num(uint64(max(g.Max, 0)) / 1000)
		l.text(" µs")
	}
	return l.end()
}
