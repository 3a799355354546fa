package config

import (
	"time"

	"xnumon/internal/sink"
)

// takes says what a changed value needs to take effect.
type takes int

const (
	atOnce takes = iota
	withRestart
	never // nothing makes it take effect yet
)

// key is a key of the file.
type key struct {
	name    string
	was     string // what the 2018 configuration called it
	section string
	values  string // what can be written
	about   string // what it does
	example string // of what can be written, for lists
	takes   takes
	because string // of a key that takes no effect
	value   func(*Config) value
}

// find returns the key of this name, old or new, nil if there is none.
func find(name string) *key {
	for i := range keys {
		if keys[i].name == name || keys[i].was == name && name != "" {
			return &keys[i]
		}
	}
	return nil
}

// names are the names of all keys.
func names() []string {
	all := make([]string, len(keys))
	for i := range keys {
		all[i] = keys[i].name
	}
	return all
}

// Sections of the file.
const (
	sectionRecords  = "Records"
	sectionContents = "What records hold"
	sectionFiles    = "Files that are executed"
	sectionSuppress = "What is not recorded"
	sectionProgram  = "The program"
	sectionLater    = "Without effect yet"
)

const (
	noSignatures = "Linux keeps no code signatures"
	notObserved  = "no such events are observed yet"

	listValues = "a list"
	boolValues = "true or false"
)

var keys = []key{
	{
		name: "config_id", section: sectionRecords, values: "text of up to 256 bytes",
		about: `A name of this revision of the configuration, for telling which one a machine
uses. Records about the monitor itself carry it. The name of the
organisation with a date or commit is a good one.`,
		value: func(c *Config) value { return textValue{&c.ID} },
	},
	{
		name: "log_format", section: sectionRecords, values: "auto, json, json-seq, yaml, ecs, ocsf or text",
		about: `What a record looks like.
  json      JSON Lines: one object a line
  json-seq  JSON text sequences (RFC 7464)
  yaml      one YAML document a record
  ecs       JSON in the fields of the Elastic Common Schema
  ocsf      JSON in the fields of the Open Cybersecurity Schema Framework
  text      one line for people
  auto      text when records go to a terminal, else json`,
		value: func(c *Config) value {
			return choiceValue{p: &c.LogFormat, among: Formats(), instead: map[string]string{
				"xml": "XML of 2018 is gone; json is what most programs read",
			}}
		},
	},
	{
		name: "log_destination", section: sectionRecords, values: "a value or a list of values",
		about: `Where records go, to one or several of these.
  -                          standard output
  /var/log/xnumon.log        a file: only appended to, made with mode 0600, and
                             may be renamed or truncated at any time
  file:///var/log/xnumon.log?rotate=100M&keep=5
                             the same, begun anew when it is full
  syslog://                  the local syslog daemon, at /dev/log
  syslog+tcp://HOST:514      another machine's, RFC 5424 over TCP
  syslog+tls://HOST          the same over TLS, port 6514
  journald://                systemd's journal, with fields
  otlp://HOST                an OpenTelemetry collector: OTLP over HTTP, port 4318
  otlp+tls://HOST            the same over HTTPS
  kafka://BROKER,BROKER/TOPIC, kafka+tls://BROKER,BROKER/TOPIC
                             a topic of Kafka, port 9092
What follows a ? sets more: docs/destinations.md has all of it. Records for
other programs and machines wait in /var/lib/xnumon/spool while those are away.`,
		example: "/var/log/xnumon.log",
		value: func(c *Config) value {
			return listValue{p: &c.LogDestination, one: true, check: checkDestination, same: sameDestination, show: sink.Redact}
		},
	},
	{
		name: "log_mode", section: sectionRecords, values: "oneline or multiline",
		about: `Whether a record of the JSON formats is one line, or spread over several and
indented for people to read. yaml is always spread and text never.`,
		value: func(c *Config) value {
			return choiceValue{p: &c.LogMode, among: []string{"oneline", "multiline"}}
		},
	},
	{
		name: "events", section: sectionRecords, values: "codes or names, with commas between or as a list",
		about: `Which events are recorded.
  0  xnumon-ops      the monitor started, stopped, or read its configuration
  1  xnumon-stats    the monitor about itself, every stats_interval
  2  image-exec      a program was executed
  3  process-access, 4 launchd-add, 5 socket-listen, 6 socket-accept and
  7  socket-connect  are accepted and have no effect yet
Records of losses are always written.`,
		value: func(c *Config) value { return eventsValue{&c.Events} },
	},
	{
		name: "stats_interval", section: sectionRecords, values: "seconds, or a time such as 5m or 1h, up to 7 days",
		about: `How often a record of event 1 is written.`,
		value: func(c *Config) value {
			return secondsValue{&c.StatsInterval, time.Second, 7 * 24 * time.Hour}
		},
	},
	{
		name: "gate", was: "kextlevel", section: sectionFiles, values: "none, open or hash", takes: withRestart,
		about: `For how long an exec is held.
  none  not at all: hashes can be missing, and scripts are
  open  until its files are open: hashes can be missing
  hash  until its files are hashed
No exec is held longer than the gate's deadline, and a hash is never wrong.`,
		value: func(c *Config) value {
			const signatures = noSignatures + ", so the highest level is hash"
			return choiceValue{
				p: &c.Gate, among: []string{"none", "open", "hash"},
				instead: map[string]string{"sign": signatures, "codesign": signatures, "csig": signatures, "sha256": "did you mean hash?"},
			}
		},
	},
	{
		name: "hashes", section: sectionFiles, values: "none, or any of sha256, sha1 and md5 with commas between or as a list", takes: withRestart,
		about: `Which digests are taken of files that are executed. A file is read once,
however many there are.`,
		value: func(c *Config) value { return hashesValue{&c.Hashes} },
	},
	{
		name: "rlimit_nofile", section: sectionFiles, values: "a number from 256 to 1048576", takes: withRestart,
		about: `How many files the monitor may have open: its limit is raised to this where it
is lower. Each exec that is held needs a few.`,
		value: func(c *Config) value { return numberValue{&c.RlimitNofile, 256, 1 << 20} },
	},
	{
		name: "envlevel", section: sectionContents, values: "none, ld or full",
		about: `What records hold of the environment.
  none  nothing
  ld    the variables that steer the dynamic linker (LD_*, GLIBC_TUNABLES,
        GCONV_PATH, DYLD_*); dyld is its old name
  full  all of it, passwords included where programs are given some
A change from none to another value needs a restart.`,
		value: func(c *Config) value {
			return choiceValue{p: &c.EnvLevel, among: []string{"none", "ld", "full"}, old: map[string]string{"dyld": "ld"}}
		},
	},
	{
		name: "resolve_users_groups", section: sectionContents, values: boolValues,
		about: `Whether the names of users and groups stand beside their ids. They come from
/etc/passwd and /etc/group.`,
		value: func(c *Config) value { return boolValue{&c.ResolveUsersGroups} },
	},
	{
		name: "ancestors", section: sectionContents, values: "a number from 0 up, or unlimited",
		about: `How many images are listed that the process and its forebears ran before. The one
it ran last is always there. What is left out is counted in ancestors_omitted.`,
		value: func(c *Config) value { return ancestorsValue{&c.Ancestors} },
	},
	{
		name: "omit_mode", section: sectionContents, values: boolValues, about: `Leave the mode of files out.`,
		value: func(c *Config) value { return boolValue{&c.OmitMode} },
	},
	{
		name: "omit_size", section: sectionContents, values: boolValues, about: `Leave the size of files out.`,
		value: func(c *Config) value { return boolValue{&c.OmitSize} },
	},
	{
		name: "omit_mtime", section: sectionContents, values: boolValues, about: `Leave the time at which a file's bytes last changed out.`,
		value: func(c *Config) value { return boolValue{&c.OmitMTime} },
	},
	{
		name: "omit_ctime", section: sectionContents, values: boolValues, about: `Leave the time at which a file last changed in any way out.`,
		value: func(c *Config) value { return boolValue{&c.OmitCTime} },
	},
	{
		name: "omit_btime", section: sectionContents, values: boolValues, about: `Leave the time at which a file was made out.`,
		value: func(c *Config) value { return boolValue{&c.OmitBTime} },
	},
	{
		name: "omit_sid", section: sectionContents, values: boolValues, about: `Leave the audit session id of processes out.`,
		value: func(c *Config) value { return boolValue{&c.OmitSID} },
	},
	{
		name: "omit_groups", section: sectionContents, values: boolValues,
		about: `Leave the group ids and their names out, of files and of processes.`,
		value: func(c *Config) value { return boolValue{&c.OmitGroups} },
	},
	{
		name: "suppress_image_exec_at_start", section: sectionSuppress, values: boolValues, takes: withRestart,
		about: `Whether to write no records of the processes that run already when the monitor
starts. They are looked up in any case, for the records of what comes after.`,
		value: func(c *Config) value { return boolValue{&c.SuppressAtStart} },
	},
	{
		name: "suppress_image_exec_by_path", section: sectionSuppress, values: listValues + " of paths and patterns",
		about: `Write no record of an exec whose image or script has one of these paths. Paths
are the files' own, without symbolic links, on the machine itself: a file in a
container, or one that a process mounted over another, has none of them.
In a pattern * stands for any part of a name, ? for a character, [a-z] and
[!a-z] for one that is or is not in the range, {a,b} for either, /**/ for any
folders between, and /** at the end for everything below. \ before a character
takes its meaning away.
Whoever can write to such a path can hide what they run. What a suppressed
interpreter runs is hidden with it, whatever its arguments.`,
		example: "/usr/lib/sysstat/sa1",
		value:   func(c *Config) value { return listValue{p: &c.Suppress.Paths, check: checkPath} },
	},
	{
		name: "suppress_image_exec_by_ancestor_path", section: sectionSuppress, values: listValues + " of paths and patterns",
		about: `Write no record of what is executed below an image or script with one of these
paths, in the same process or in one that descends from it, however far.`,
		example: "/opt/ci/bin/runner",
		value:   func(c *Config) value { return listValue{p: &c.Suppress.AncestorPaths, check: checkPath} },
	},
	{
		name: "debug", section: sectionProgram, values: boolValues,
		about: `Say on standard error what configuration is in force, at the start and after each
reload.`,
		value: func(c *Config) value { return boolValue{&c.Debug} },
	},
	{
		name: "codesign", section: sectionLater, values: boolValues, takes: never, because: noSignatures,
		about: `Whether to find out about the code signatures of files.`,
		value: func(c *Config) value { return boolValue{&c.Codesign} },
	},
	{
		name: "omit_system_hashes", was: "omit_apple_hashes", section: sectionLater, values: boolValues, takes: never, because: noSignatures,
		about: `Leave the hashes of files out whose signature shows that they are part of the
operating system.`,
		value: func(c *Config) value { return boolValue{&c.OmitSystemHashes} },
	},
	{
		name: "suppress_image_exec_by_ident", section: sectionLater, values: listValues + " of signing identifiers", takes: never, because: noSignatures,
		about: `Write no record of an exec whose image has a good signature with one of these
identifiers: com.apple.mdworker for one that is part of the operating system,
org.example.agent@ABCDE12345 for one of that team.`,
		example: "com.apple.mdworker",
		value:   func(c *Config) value { return listValue{p: &c.Suppress.Idents, check: checkIdent} },
	},
	{
		name: "suppress_image_exec_by_ancestor_ident", section: sectionLater, values: listValues + " of signing identifiers", takes: never, because: noSignatures,
		about:   `The same for what is executed below such an image.`,
		example: "org.example.ci@ABCDE12345",
		value:   func(c *Config) value { return listValue{p: &c.Suppress.AncestorIdents, check: checkIdent} },
	},
	{
		name: "suppress_process_access_by_subject_ident", section: sectionLater, values: listValues + " of signing identifiers", takes: never, because: notObserved,
		about:   `Write no record of event 3 about what programs with these signatures do.`,
		example: "com.apple.sysmond",
		value: func(c *Config) value {
			return listValue{p: &c.SuppressProcessAccess.Idents, check: checkIdent}
		},
	},
	{
		name: "suppress_process_access_by_subject_path", section: sectionLater, values: listValues + " of paths and patterns", takes: never, because: notObserved,
		about:   `The same by the path of the program.`,
		example: "/usr/bin/gdb",
		value: func(c *Config) value {
			return listValue{p: &c.SuppressProcessAccess.Paths, check: checkPath}
		},
	},
	{
		name: "suppress_socket_op_localhost", section: sectionLater, values: boolValues, takes: never, because: notObserved,
		about: `Write no records of events 5, 6 and 7 for addresses of the machine itself.`,
		value: func(c *Config) value { return boolValue{&c.SuppressLocalhost} },
	},
	{
		name: "suppress_socket_op_by_subject_ident", section: sectionLater, values: listValues + " of signing identifiers", takes: never, because: notObserved,
		about:   `Write no records of events 5, 6 and 7 about what programs with these signatures do.`,
		example: "com.apple.configd",
		value:   func(c *Config) value { return listValue{p: &c.SuppressSocketOp.Idents, check: checkIdent} },
	},
	{
		name: "suppress_socket_op_by_subject_path", section: sectionLater, values: listValues + " of paths and patterns", takes: never, because: notObserved,
		about:   `The same by the path of the program.`,
		example: "/usr/sbin/named",
		value:   func(c *Config) value { return listValue{p: &c.SuppressSocketOp.Paths, check: checkPath} },
	},
}
