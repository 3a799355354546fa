package event

// Op is what the monitor did.
type Op string

// The operations of an Ops record.
const (
	OpStart  Op = "start"  // it sees every exec from this record on, and holds it if it is to
	OpStop   Op = "stop"   // it was asked to end, or has to; no record of this run follows but losses
	OpReload Op = "reload" // it has read its configuration again
)

// Ops is the record (event code 0) of what the monitor itself did. Its settings
// are in it, so that a reader of the records knows by what rules they were made.
type Ops struct {
	Time Time `json:"time"`
	Op   Op   `json:"op"`
	// Error says why it stopped, when nobody asked it to, or why it stayed with
	// the configuration it had.
	Error string `json:"error,omitempty"`
	// Pid is the process id of the monitor.
	Pid    uint32 `json:"pid"`
	Build  Build  `json:"build"`
	System System `json:"system"`
	// ConfigID is the name of this revision of the configuration, Config every key
	// that is in force with its value as a file would have it.
	ConfigID string    `json:"config_id,omitempty"`
	Config   []Setting `json:"config,omitempty"`
	// Changed are the keys that a reload has changed, with their values from now on.
	Changed []Setting `json:"changed,omitempty"`
}

// Setting is a key of the configuration. In a record, settings are an object.
type Setting struct{ Key, Value string }

// Build says which program it is.
type Build struct {
	// Version is the release, Revision the commit it was built from, Go the
	// version of the toolchain.
	Version  string `json:"version,omitempty"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go,omitempty"`
}

// System says which machine it runs on.
type System struct {
	Hostname string `json:"hostname,omitempty"`
	// OS and Arch are what Go calls them, Kernel is what uname -r says.
	OS     string `json:"os,omitempty"`
	Arch   string `json:"arch,omitempty"`
	Kernel string `json:"kernel,omitempty"`
	// BootTime is when it was booted, by today's idea of the time.
	BootTime Time `json:"boot_time,omitempty"`
}
