package config

import (
	"errors"
	"strings"
	"testing"
)

// decode returns the remarks of a file as a person sees them.
func decode(t *testing.T, text string) (*Config, []string) {
	t.Helper()
	c, warnings, err := new(Decoder).Decode("f", []byte(text))
	var lines []string
	if err != nil {
		var m Mistakes
		if !errors.As(err, &m) || c != nil {
			t.Fatalf("%T with %v", err, c)
		}
		lines = strings.Split(m.Error(), "\n")
	}
	for _, w := range warnings {
		if !w.Warning {
			t.Errorf("%v is among the warnings", w)
		}
		lines = append(lines, w.String())
	}
	return c, lines
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "gaet: hash\n", []string{`f:1:1: gaet: is no key of this file: did you mean gate?`}},
		{"unlike any key", "# x\n\nzyxwvut: 1\n", []string{`f:3:1: zyxwvut: is no key of this file: xnumon config default lists the keys`}},
		{"dashes", "stats-interval: 5\n", []string{`f:1:1: stats-interval: is no key of this file: did you mean stats_interval?`}},
		{"key with a line feed", `"a\nb": 1`, []string{`f:1:1: "a\nb": is no key of this file: xnumon config default lists the keys`}},
		{"key that is a list", "? [gate]\n: hash\n", []string{`f:1:3: has a list in place of a key: write lines such as gate: hash`}},
		{"twice", "gate: hash\ndebug: true\ngate: open\n", []string{`f:3:1: gate: is here a second time, after line 1: remove one of them`}},
		{"twice, with the old name", "gate: hash\nkextlevel: open\n", []string{
			`f:2:1: kextlevel: (kextlevel as of 2018 is gate) is here a second time, after line 1: remove one of them`,
		}},
		{"choice", "gate:   hsah\n", []string{`f:1:9: gate: "hsah" is none of none, open and hash: did you mean hash?`}},
		{"choice in the wrong case", "gate: Hash\n", []string{`f:1:7: gate: "Hash" is none of none, open and hash: did you mean hash?`}},
		{"level of signatures", "kextlevel: codesign\n", []string{
			`f:1:12: kextlevel: "codesign" is none of none, open and hash: Linux keeps no code signatures, so the highest level is hash`,
			`f:1:1: warning: kextlevel: is the old name of gate: write that`,
		}},
		{"format of 2018", "log_format: xml\n", []string{
			`f:1:13: log_format: "xml" is none of auto, json, json-seq, yaml, ecs, ocsf and text: XML of 2018 is gone; json is what most programs read`,
		}},
		{"bool", "debug: yes\nomit_sid: 0\nomit_size: maybe\nomit_mode: True\n", []string{
			`f:1:8: debug: "yes" is neither true nor false: write true`,
			`f:2:11: omit_sid: "0" is neither true nor false: write false`,
			`f:3:12: omit_size: "maybe" is neither true nor false: write one of them`,
			`f:4:12: omit_mode: "True" is neither true nor false: write true`,
		}},
		{"numbers", "rlimit_nofile: 12\nancestors: -1\nstats_interval: 1.5\n", []string{
			`f:1:16: rlimit_nofile: "12" is not a whole number from 256 to 1048576: write one`,
			`f:2:12: ancestors: "-1" is neither a number from 0 up nor unlimited: write one of them`,
			`f:3:17: stats_interval: "1.5" is not a time in whole seconds: write a number of seconds, or one with a unit such as 90s, 5m or 1h`,
		}},
		{"times", "stats_interval: 0\n", []string{`f:1:17: stats_interval: "0" is outside of 1s to 168h0m0s: write a time in between`}},
		{"hashes", "hashes: sha256,sha-1, md6,sha256\n", []string{
			`f:1:9: hashes: "sha-1" is none of sha256, sha1 and md5: did you mean sha1?`,
			`f:1:9: hashes: "md6" is none of sha256, sha1 and md5: did you mean md5?`,
			`f:1:9: hashes: "sha256" is in the list already: remove it here`,
		}},
		{"hashes in a list", "hashes:\n- none\n- md5\n", []string{`f:2:1: hashes: has none beside others: write one or the other`}},
		{"no hashes", "hashes: []\n", []string{`f:1:9: hashes: is an empty list: write at least one value, or remove the key`}},
		{"events", "events: [2, 8, image-exce, 2]\n", []string{
			`f:1:13: events: "8" is neither an event code from 0 to 7 nor one of xnumon-ops, xnumon-stats, image-exec, process-access, launchd-add, socket-listen, socket-accept and socket-connect: write any of them with commas between`,
			`f:1:16: events: "image-exce" is neither an event code from 0 to 7 nor one of xnumon-ops, xnumon-stats, image-exec, process-access, launchd-add, socket-listen, socket-accept and socket-connect: did you mean image-exec?`,
			`f:1:28: events: "2" is in the list already: remove it here`,
		}},
		{"paths", "suppress_image_exec_by_path:\n  - /ok\n  - usr/bin/id\n  - /usr/bin/\n  - /ok\n  - [a]\n  - /a/[b\n", []string{
			`f:3:5: suppress_image_exec_by_path: "usr/bin/id" is not an absolute path: begin it with /`,
			`f:4:5: suppress_image_exec_by_path: "/usr/bin/" ends in a slash and would match nothing: write /usr/bin/** for everything below it`,
			`f:5:5: suppress_image_exec_by_path: "/ok" is in the list already: remove it here`,
			`f:6:5: suppress_image_exec_by_path: is a list: write a single value, in quotes if it begins with [ or {`,
			`f:7:5: suppress_image_exec_by_path: "/a/[b" has [ without ] behind it in the same name: close it, or write \[ for the character itself`,
		}},
		{"path that is no list", "suppress_image_exec_by_ancestor_path: /a\n", []string{
			`f:1:39: suppress_image_exec_by_ancestor_path: "/a" is a single value: write it as an item of a list, in a line of its own after a dash`,
		}},
		{"list that is a mapping", "suppress_image_exec_by_path: {a: b}\n", []string{
			`f:1:30: suppress_image_exec_by_path: is a mapping: write a list, each item in a line of its own after a dash`,
		}},
		{"destinations", "log_destination: [\"-\", log, /a/]\n", []string{
			`f:1:24: log_destination: "log" is neither -, the absolute path of a file, nor a URL: write one of -, FILE, file:///var/log/xnumon.log, syslog://, syslog+tcp://HOST:514, syslog+tls://HOST, journald://, otlp://HOST, otlp+tls://HOST, kafka://BROKER,BROKER/TOPIC, kafka+tls://BROKER,BROKER/TOPIC`,
			`f:1:29: log_destination: "/a/" is neither -, the absolute path of a file, nor a URL: write one of -, FILE, file:///var/log/xnumon.log, syslog://, syslog+tcp://HOST:514, syslog+tls://HOST, journald://, otlp://HOST, otlp+tls://HOST, kafka://BROKER,BROKER/TOPIC, kafka+tls://BROKER,BROKER/TOPIC`,
		}},
		{"destinations that are URLs", "log_destination:\n  - kafak://a/t\n  - kafka://a\n  - syslog+tcp://host\n  - kafka://u:secret@a/t\n  - file://log\n  - otlp://h?ca=/x\n  - journald://?facility=user&queue=1\n", []string{
			`f:2:5: log_destination: "kafak://a/t" is of an unknown kind, kafak: write one of -, FILE, file:///var/log/xnumon.log, syslog://, syslog+tcp://HOST:514, syslog+tls://HOST, journald://, otlp://HOST, otlp+tls://HOST, kafka://BROKER,BROKER/TOPIC, kafka+tls://BROKER,BROKER/TOPIC (a file of that name is ./kafak://a/t)`,
			`f:3:5: log_destination: "kafka://a" names no topic: write kafka://a/TOPIC`,
			`f:4:5: log_destination: "syslog+tcp://host" names no port: write syslog+tcp://host:514`,
			`f:5:5: log_destination: "kafka://...@a/t" has a name or password before an @, and everybody on the machine can read a command line: put it into a file (?sasl=scram-sha-512&user=NAME&password-file=FILE)`,
			`f:6:5: log_destination: "file://log" names a host, which a file has not: write file:///log`,
			`f:7:5: log_destination: "otlp://h?ca=/x" has a parameter ca, and otlp does not encrypt: write otlp+tls://h?ca=/x`,
			`f:8:5: log_destination: "journald://?facility=user&queue=1" has a parameter facility, which journald has not: write one of queue, spool, spool-size; has queue=1: write a size from 64K to 2G`,
		}},
		{"one destination twice", "log_destination: [/a, file:///a?rotate=1M, \"kafka://a,b/t\", \"kafka://b,a/t?queue=1M\", /a]\n", []string{
			`f:1:23: log_destination: "file:///a?rotate=1M" goes where "/a" goes: remove one of them`,
			`f:1:61: log_destination: "kafka://b,a/t?queue=1M" goes where "kafka://a,b/t" goes: remove one of them`,
			`f:1:87: log_destination: "/a" is in the list already: remove it here`,
		}},
		{"no destination", "log_destination: []\n", []string{
			`f:1:18: log_destination: is an empty list: write at least one value, or remove the key`,
		}},
		{"no value", "gate:\nconfig_id: \"\"\n", []string{
			`f:1:6: gate: has no value: write one, or remove it`,
			`f:2:12: config_id: is empty: write some text, or remove the key`,
		}},
		{"control characters in a value", `config_id: "a\nb"`, []string{
			`f:1:12: config_id: "a\nb" has characters that cannot be printed: remove them`,
		}},
		{"list for a single value", "gate: [hash]\n", []string{
			`f:1:7: gate: is a list: write a single value, in quotes if it begins with [ or {`,
		}},
		{"alias", "config_id: &x hash\ngate: *x\n", []string{`f:2:7: gate: is an alias: write the value itself`}},
		{"tag", "gate: !mine hash\n", []string{`f:1:7: gate: has the tag "!mine": remove it`}},
		{"merge", "<<: {gate: hash}\n", []string{`f:1:1: <<: is no key of this file: xnumon config default lists the keys`}},
		{"not a mapping", "- gate\n", []string{`f:1:1: is a list and no mapping: write lines such as gate: hash`}},
		{"only text", "gate\n", []string{`f:1:1: is a single value and no mapping: write lines such as gate: hash`}},
		{"second document", "gate: hash\n---\ngate: open\n", []string{`f:2:1: a second document: remove the --- before it, or what follows`}},
		{"columns count characters", "{config_id: éé, gaet: 1}\n", []string{`f:1:17: gaet: is no key of this file: did you mean gate?`}},
		{"not UTF-8", "gate: hash\n# é\xff\n", []string{`f:2:4: byte 0xff is not UTF-8: write the file in UTF-8`}},
		{"control character", "gate: h\x1b[1m\n", []string{`f:1:8: control character U+001B: remove it`}},
		{"carriage return", "gate: hash\r\ndebug: true\rgaet: 1", []string{`f:2:12: line separator U+000D: end lines with a line feed`}},
		{"tab", "gate:\thash\nsuppress_image_exec_by_path:\n\t- /a\n", []string{
			`f:3:1: not YAML: found character that cannot start any token while scanning for the next token: indent with spaces and not with tabs`,
		}},
		{"all around broken YAML", "gaet: 1\ndebug: \"x\nhashes: md6\n\nomit_sid: [1\n# c\n  ]\nomit_size:\n- 1\n", []string{
			`f:1:1: gaet: is no key of this file: did you mean gate?`,
			`f:2:8: not YAML: found unexpected end of stream while scanning a quoted scalar: check the indentation and the quotes; a value that begins with one of * & ! % @ [ ] { } needs some`,
			`f:3:9: hashes: "md6" is none of sha256, sha1 and md5: did you mean md5?`,
			`f:5:11: omit_sid: is a list: write a single value, in quotes if it begins with [ or {`,
			`f:9:1: omit_size: is a list: write a single value, in quotes if it begins with [ or {`,
		}},
		{"old names", "kextlevel: open\nomit_apple_hashes: true\nenvlevel: dyld\n", []string{
			`f:1:1: warning: kextlevel: is the old name of gate: write that`,
			`f:2:1: warning: omit_apple_hashes: is the old name of omit_system_hashes: write that`,
			`f:2:1: warning: omit_apple_hashes: has no effect: Linux keeps no code signatures`,
			`f:3:11: warning: envlevel: "dyld" is an old name: write ld`,
		}},
		{"without effect", "codesign: true\nevents: 2,socket-listen\nsuppress_socket_op_by_subject_path: []\n", []string{
			`f:1:1: warning: codesign: has no effect: Linux keeps no code signatures`,
			`f:2:9: warning: events: "socket-listen" (socket-listen) has no effect: no such events are observed yet`,
			`f:3:1: warning: suppress_socket_op_by_subject_path: has no effect: no such events are observed yet`,
		}},
		{"large", strings.Repeat("#\n", maxSize), []string{
			`f:1:1: has 2097152 bytes, and at most 1048576 are read: this cannot be the right file`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, got := decode(t, c.text)
			if a, b := strings.Join(got, "\n"), strings.Join(c.want, "\n"); a != b {
				t.Errorf("got\n%s\nwant\n%s", a, b)
			}
			if wrong := !strings.Contains(c.want[0], "warning"); wrong != (config == nil) {
				t.Errorf("configuration %v", config)
			}
		})
	}
}
