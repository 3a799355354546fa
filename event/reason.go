package event

// Reason says why a value is absent.
type Reason string

// The reasons, as they stand in the missing object.
const (
	// ReasonModified: the file changed, or could have changed, between the exec and the reading.
	ReasonModified Reason = "modified"
	// ReasonWritable: somebody held the file open for writing during the exec.
	ReasonWritable Reason = "writable"
	// ReasonGone: the process was gone before its image could be opened.
	ReasonGone Reason = "gone"
	// ReasonNotHeld: the file is only seen while an exec is held, and this one was not.
	ReasonNotHeld Reason = "not held"
	// ReasonUnverifiable: the file system cannot show that the file stayed unchanged.
	ReasonUnverifiable Reason = "unverifiable"
	// ReasonUnreadable: opening or reading failed.
	ReasonUnreadable Reason = "unreadable"
	// ReasonTimeout: reading took too long.
	ReasonTimeout Reason = "timeout"
	// ReasonRunning: the process ran before the monitor; what it was executed from is not known.
	ReasonRunning Reason = "already running"
	// ReasonLost: the observation that carried it was lost.
	ReasonLost Reason = "lost"
	// ReasonUnseen: no event told it (the call was made inside the kernel).
	ReasonUnseen Reason = "unseen"
	// ReasonRaced: it kept changing while the kernel was read.
	ReasonRaced Reason = "raced"
	// ReasonTruncated: longer than the sensor can carry.
	ReasonTruncated Reason = "truncated"
	// ReasonMemory: the process memory that held it could not be read.
	ReasonMemory Reason = "unreadable memory"
	// ReasonNotRecorded: the recorded stream does not hold it.
	ReasonNotRecorded Reason = "not recorded"
	// ReasonKernelThread: the process is a kernel thread and has no image.
	ReasonKernelThread Reason = "kernel thread"
	// ReasonNotEvaluated: nobody looked whether it can be trusted.
	ReasonNotEvaluated Reason = "not evaluated"
	// ReasonReplaced: there, but what is not UTF-8 in it was replaced before it
	// got here, or could have been.
	ReasonReplaced Reason = "bytes replaced"
)
