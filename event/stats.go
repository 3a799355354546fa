package event

// Stats is the record (event code 1) of what the monitor has done and holds. It
// has an object "stats"; a record of the same code with an object "loss" is a Loss.
//
// Counts are of everything since the start of the monitor, which Since tells, so
// that a record that did not arrive takes nothing away: what happened in between
// is the difference of two. What is held is so at the moment of the record.
type Stats struct {
	Time  Time `json:"time"`
	Since Time `json:"since"`

	// Processes are held in the table of live processes; Images the different images
	// they run and descend from, counted a minute ago at most.
	Processes uint64 `json:"processes"`
	Images    uint64 `json:"images"`
	// Memory is the resident memory of the monitor in bytes, CPU the time its
	// threads have run in nanoseconds.
	Memory uint64 `json:"memory"`
	CPU    int64  `json:"cpu_ns"`

	Observed    ObservedStats    `json:"observed"`
	Acquisition AcquisitionStats `json:"acquisition"`
	// Gate is nil at level none.
	Gate *GateStats `json:"gate,omitempty"`
	// Queues are the places where something can wait, from the kernel to the outputs.
	Queues []QueueStats `json:"queues,omitempty"`
	// Outputs are the places where records go.
	Outputs []OutputStats `json:"outputs,omitempty"`
}

// ObservedStats count what came from the sensor.
type ObservedStats struct {
	Forks uint64 `json:"forks"`
	Execs uint64 `json:"execs"`
	Exits uint64 `json:"exits"`
	// Lookups are processes that were looked up instead.
	Lookups uint64 `json:"lookups"`
	// Lost are the observations that were lost and counted. Losses is how often
	// some were.
	Lost   uint64 `json:"lost"`
	Losses uint64 `json:"losses"`
	// Misses are what the table of processes should have known and did not.
	Misses MissStats `json:"misses"`
	// Suppressed are execs, and processes found running, that got no record
	// because of the configuration; SuppressedBy says by which rules.
	Suppressed   uint64          `json:"suppressed"`
	SuppressedBy SuppressedStats `json:"suppressed_by"`
}

// MissStats count, by kind, what observations took for granted and the table of
// processes did not hold. What a record says of it is then looked up and marked,
// or missing with its reason.
type MissStats struct {
	// Forks are forks by a process that was not in the table, Execs execs by one.
	Forks uint64 `json:"forks"`
	Execs uint64 `json:"execs"`
	// Images are forks and execs by a process that ran another image than the
	// table had for it.
	Images uint64 `json:"images"`
}

// SuppressedStats count what was suppressed, by the first kind of rule that did it.
type SuppressedStats struct {
	Path          uint64 `json:"path"`
	Ident         uint64 `json:"ident"`
	AncestorPath  uint64 `json:"ancestor_path"`
	AncestorIdent uint64 `json:"ancestor_ident"`
	// Elsewhere are files whose path is that of a rule but could not be shown to
	// be theirs on the machine itself. They suppressed nothing.
	Elsewhere uint64 `json:"elsewhere"`
}

// AcquisitionStats count what became of the files that were executed.
type AcquisitionStats struct {
	// Lookups are files that were opened through the process that ran them,
	// because no exec was held for them.
	Lookups uint64 `json:"lookups"`
	// Hashed are files that were read, HashedBytes how much that was.
	Hashed      uint64 `json:"hashed"`
	HashedBytes uint64 `json:"hashed_bytes"`
	// Cached are digests held in the cache, Hits and Misses how often one was
	// looked for there. Evicted had to make room. Invalidated were known files that
	// were found changed or opened for writing.
	Cached      uint64 `json:"cached"`
	Hits        uint64 `json:"hits"`
	Misses      uint64 `json:"misses"`
	Evicted     uint64 `json:"evicted"`
	Invalidated uint64 `json:"invalidated"`
	// Missing counts the digests that are missing in records, by reason; in the
	// order of their first occurrence.
	Missing []ReasonCount `json:"missing,omitempty"`
}

// ReasonCount is how often something was absent for a reason. In a record they are an object.
type ReasonCount struct {
	Reason Reason
	Count  uint64
}

// GateStats count what became of the execs that happened. One that failed is
// not among them.
type GateStats struct {
	Level string `json:"level"`
	// Held to Missed count the outcomes, see Gate.
	Held     uint64 `json:"held"`
	Known    uint64 `json:"known"`
	Deadline uint64 `json:"deadline"`
	Missed   uint64 `json:"missed"`
	// Errors are files that were let go without being understood, StoodIn those
	// that the watchdog let go.
	Errors  uint64 `json:"errors"`
	StoodIn uint64 `json:"stood_in"`
	// P50, P99 and Max are for how long an exec that was held was kept waiting, in
	// nanoseconds. The first two are not below the true value and at most an
	// eighth above it. Zero when none was held.
	P50 int64 `json:"p50_ns"`
	P99 int64 `json:"p99_ns"`
	Max int64 `json:"max_ns"`
}

// QueueStats are of one place where something can wait.
type QueueStats struct {
	// Name is "ring" (observations in the kernel, bytes), "gate" (threads with an exec call
	// under way), "small" and "large" (files to be hashed), "records" (records that
	// wait for digests), or "output" (bytes to be written).
	Name  string `json:"name"`
	Depth uint64 `json:"depth"`
	// Limit is how much it can hold, zero if there is no limit.
	Limit uint64 `json:"limit,omitempty"`
	// Dropped is what found no room.
	Dropped uint64 `json:"dropped"`
}

// OutputStats are of one place where records go.
type OutputStats struct {
	Name string `json:"name"`
	// Records and Bytes were written, Dropped records were not.
	Records uint64 `json:"records"`
	Bytes   uint64 `json:"bytes"`
	Dropped uint64 `json:"dropped"`
	// Spooled records wait until they are sent and confirmed, and use SpoolBytes
	// on disk. Only destinations that are other programs or machines have a spool.
	Spooled    uint64 `json:"spooled,omitempty"`
	SpoolBytes uint64 `json:"spool_bytes,omitempty"`
	// Refused are records that the destination would not take, Damaged those that
	// could not be read back from the spool. Records of losses tell of both.
	Refused uint64 `json:"refused,omitempty"`
	Damaged uint64 `json:"damaged,omitempty"`
	// Errors are tries to write that failed.
	Errors uint64 `json:"errors"`
	// Error is the last one, if the last try failed.
	Error string `json:"error,omitempty"`
}
