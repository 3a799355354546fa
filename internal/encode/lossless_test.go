package encode

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
)

// A move says from where in a record of a public schema a native field comes.
type move struct {
	to, from string
	number   bool // a number that the schema has as a string
}

var ecsMoves = []move{
	{to: "time", from: "@timestamp"},
	{to: "eventcode", from: "event.code", number: true},
	{to: "argv", from: "process.args"},
	{to: "env", from: "process.env_vars"},
	{to: "cwd", from: "process.working_directory"},
	{to: "image.path", from: "process.executable"},
	{to: "image.uid", from: "file.uid", number: true},
	{to: "image.uname", from: "file.owner"},
	{to: "image.gid", from: "file.gid", number: true},
	{to: "image.gname", from: "file.group"},
	{to: "image.size", from: "file.size"},
	{to: "image.ino", from: "file.inode", number: true},
	{to: "image.mtime", from: "file.mtime"},
	{to: "image.ctime", from: "file.ctime"},
	{to: "image.btime", from: "file.created"},
	{to: "image.sha256", from: "process.hash.sha256"},
	{to: "image.sha1", from: "process.hash.sha1"},
	{to: "image.md5", from: "process.hash.md5"},
	{to: "image.cdhash", from: "process.hash.cdhash"},
	{to: "image.signature", from: "process.code_signature.status"},
	{to: "image.ident", from: "process.code_signature.signing_id"},
	{to: "image.teamid", from: "process.code_signature.team_id"},
	{to: "image.certcn", from: "process.code_signature.subject_name"},
	{to: "container.id", from: "container.id"},
	{to: "container.pid", from: "process.vpid"},
	{to: "creds.euid", from: "user.effective.id", number: true},
	{to: "creds.euname", from: "user.effective.name"},
	{to: "creds.egid", from: "user.effective.group.id", number: true},
	{to: "creds.egname", from: "user.effective.group.name"},
	{to: "subject.pid", from: "process.pid"},
	{to: "subject.session", from: "process.session_leader.pid"},
	{to: "subject.fork_time", from: "process.start"},
	{to: "subject.fork_pid", from: "process.parent.pid"},
	{to: "subject.euid", from: "user.id", number: true},
	{to: "subject.euname", from: "user.name"},
	{to: "subject.egid", from: "user.group.id", number: true},
	{to: "subject.egname", from: "user.group.name"},
	{to: "loss.since", from: "event.start"},
	{to: "loss.until", from: "event.end"},
}

var ocsfMoves = slices.Concat([]move{
	{to: "version", from: "metadata.log_version", number: true},
	{to: "time", from: "time_dt"},
	{to: "eventcode", from: "metadata.event_code", number: true},
	{to: "cwd", from: "process.working_directory"},
	{to: "container.id", from: "process.container.uid"},
	{to: "container.pid", from: "process.namespace_pid"},
	{to: "subject.pid", from: "actor.process.pid"},
	{to: "subject.tid", from: "actor.process.ptid"},
	{to: "subject.sid", from: "actor.session.uid", number: true},
	{to: "subject.dev", from: "actor.session.terminal"},
	{to: "subject.fork_time", from: "process.created_time_dt"},
	{to: "subject.fork_pid", from: "process.parent_process.pid"},
	{to: "subject.euid", from: "actor.user.uid", number: true},
	{to: "subject.euname", from: "actor.user.name"},
	{to: "loss.since", from: "start_time_dt"},
	{to: "loss.until", from: "end_time_dt"},
}, ocsfFileMoves("image", "process.file"), ocsfFileMoves("subject.image", "actor.process.file"))

func ocsfFileMoves(to, from string) []move {
	return []move{
		{to: to + ".path", from: from + ".path"},
		{to: to + ".deleted", from: from + ".is_deleted"},
		{to: to + ".uid", from: from + ".owner.uid", number: true},
		{to: to + ".uname", from: from + ".owner.name"},
		{to: to + ".size", from: from + ".size"},
		{to: to + ".ino", from: from + ".uid", number: true},
		{to: to + ".mtime", from: from + ".modified_time_dt"},
		{to: to + ".btime", from: from + ".created_time_dt"},
	}
}

// get returns what is at a path of keys, nil if there is nothing.
func get(v any, path string) any {
	for k := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// put adds a field, which must not be there, to an object that must be.
func put(t fataler, rec map[string]any, path string, v any) {
	t.Helper()
	object := any(rec)
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		object, path = get(rec, path[:i]), path[i+1:]
	}
	m, ok := object.(map[string]any)
	if !ok {
		t.Fatalf("no object for %s in %v", path, rec)
	}
	if old, ok := m[path]; ok {
		t.Fatalf("%s is there twice, as %v and %v", path, old, v)
	}
	m[path] = v
}

// native rebuilds the native record from one in a public schema.
func native(t fataler, line []byte, extension string, moves []move) map[string]any {
	t.Helper()
	noDuplicates(t, line)
	rec := decode(t, line)
	n := rec[extension].(map[string]any)
	takeBack(t, rec, n["escaped"])
	delete(n, "escaped")
	for _, m := range moves {
		v := get(rec, m.from)
		switch {
		case v == nil, m.to == "time" && v == "1970-01-01T00:00:00.000000000Z":
			continue
		case m.number:
			v = json.Number(v.(string))
		}
		put(t, n, m.to, v)
	}
	return n
}

func fromECS(t fataler, line []byte) map[string]any { return native(t, line, "xnumon", ecsMoves) }

func fromOCSF(t fataler, line []byte) map[string]any {
	n := native(t, line, "unmapped", ocsfMoves)
	rec := decode(t, line)
	takeBack(t, rec, get(rec, "unmapped.escaped"))
	if n["creds"] != nil {
		for to, from := range map[string]string{"creds.euid": "process.user.uid", "creds.euname": "process.user.name"} {
			switch v := get(rec, from); {
			case v == nil:
			case to == "creds.euid":
				put(t, n, to, json.Number(v.(string)))
			default:
				put(t, n, to, v)
			}
		}
	}
	if list := get(rec, "process.environment_variables"); list != nil && n["env"] == nil {
		env := []any{}
		for _, v := range list.([]any) {
			env = append(env, get(v, "name").(string)+"="+get(v, "value").(string))
		}
		n["env"] = env
	}
	for to, from := range map[string]string{"image": "process.file", "subject.image": "actor.process.file"} {
		list, _ := get(rec, from+".hashes").([]any)
		for _, h := range list {
			name := map[string]string{"SHA-256": "sha256", "SHA-1": "sha1", "MD5": "md5"}[get(h, "algorithm").(string)]
			put(t, n, to+"."+name, get(h, "value"))
		}
	}
	return n
}

func noDuplicates(t fataler, line []byte) {
	t.Helper()
	all := keys(t, line)
	slices.Sort(all)
	for i := range all[1:] {
		if all[i] == all[i+1] {
			t.Fatalf("%s is there twice in %s", all[i], line)
		}
	}
}

// checkLossless compares what a record says in the public schemas with what it
// says in JSON.
func checkLossless(t fataler, s sample, o Options) {
	t.Helper()
	want := parse(t, appendSample(&JSON{}, nil, s))
	delete(want, "escaped")
	for name, back := range map[string]func(fataler, []byte) map[string]any{"ecs": fromECS, "ocsf": fromOCSF} {
		e, err := New(name, o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		line := appendSample(e, nil, s)
		if got := back(t, line); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s says\n%v\nnot\n%v\n%s", name, got, want, line)
		}
	}
}

func TestPublicSchemasLoseNothing(t *testing.T) {
	for _, s := range samples() {
		checkLossless(t, s, Options{})
	}
	exec, loss := &event.ImageExec{}, &event.Loss{}
	fill(reflect.ValueOf(exec).Elem(), 0)
	fill(reflect.ValueOf(loss).Elem(), 0)
	checkLossless(t, sample{exec: exec}, Options{})
	checkLossless(t, sample{loss: loss}, Options{})
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Host: someHost().Draw(t, "host"), Version: kernelString().Draw(t, "version")}
		checkLossless(t, sample{exec: someExec().Draw(t, "exec")}, o)
		checkLossless(t, sample{loss: someLoss().Draw(t, "loss")}, o)
	})
}
