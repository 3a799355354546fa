package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xnumon/internal/sensor"
)

func TestWhatANewerWriterMayAdd(t *testing.T) {
	all, stats, err := play([]byte(`{"xnumon_stream":1,"new":[1,{"a":null}]}
{"t":"signal","x":{"y":[1.5e3,-0,true,null,"\ud83d\ude00"]}}
{ "t" : "exit" , "key" : [1,18446744073709551615,"more"] , "code":{"a":[]} }
{"t":"exec","key":[1,2],"image":{"ref":1,"new":1},"after":{"fsuid":3}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || !equal(all[0], &sensor.Exit{Key: sensor.Key{PID: 1, Start: 1<<64 - 1}}) {
		t.Errorf("%v", all)
	}
	if want := (Stats{Lines: 4, Observations: 2, UnknownLines: 1, UnknownMembers: 4}); stats != want {
		t.Errorf("%+v, want %+v", stats, want)
	}
}

func TestMalformed(t *testing.T) {
	for line, want := range map[string]string{
		``:                           `no '{' at byte 1`,
		`x`:                          `no '{' at byte 1`,
		`{}`:                         `the first member is not t`,
		`{"time":1,"t":"exit"}`:      `the first member is not t`,
		`{"t":"exit"}`:               `exit: no member key`,
		`{"t":"exit","key":[1]}`:     `member "key": not a pair of pid and start`,
		`{"t":"exit","key":[1,2]`:    `neither a comma nor '}' at byte 24`,
		`{"t":"exit","key":[1,2]}}`:  `more after the end of the object at byte 25`,
		`{"t":"exit","key":[1,2],}`:  `not a string`,
		`{"t":"exit","key":[1,2.5]}`: `member "key": not an integer`,
		`{"t":"exit","key":[1,1e3]}`: `not an integer`,
		`{"t":"exit","key":[1,01]}`:  `not an integer`,
		`{"t":"exit","key":[1,-2]}`:  `negative number`,
		`{"t":"exit","key":[1,18446744073709551616]}`:                     `number does not fit into 64 bits`,
		`{"t":"exit","key":[4294967296,1]}`:                               `number does not fit into 32 bits`,
		`{"t":"exit","time":9223372036854775808,"key":[1,1]}`:             `number does not fit into 64 bits with a sign`,
		`{"t":"exit","time":null,"key":[1,1]}`:                            `member "time": not an integer`,
		`{"t":"exit","x":nul,"key":[1,1]}`:                                `not a value`,
		`{"t":"exit","x":1.,"key":[1,1]}`:                                 `not a number`,
		`{"t":"exit","x":` + strings.Repeat("[", 2000):                    `nested too deeply`,
		`{"t":"exec","key":[1,1]}`:                                        `exec: no member image`,
		`{"t":"exec","key":[1,1],"image":{}}`:                             `no member ref`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"argv":"x"}`:           `member "argv": no '['`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":"` + "\xff\"":    `member "cwd": string is not UTF-8`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":"\ud800"}`:       `half a surrogate pair`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":"\q"}`:           `unknown escape`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":"` + "\t\"}":     `control character in a string`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":{}}`:             `neither a string nor base64`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"cwd":{"base64":"!"}}`: `not base64`,
		`{"t":"exec","key":[1,1],"image":{"ref":1},"interpreted":1}`:      `neither true nor false`,
		`{"t":"digest"}`: `digest: no member ref`,
		`{"t":"free"}`:   `free: no member ref`,
	} {
		all, _, err := play([]byte(head + `{"t":"lost","count":1}` + "\n" + line + "\n" + `{"t":"lost","count":2}` + "\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "test.xns:3: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
		if len(all) != 1 {
			t.Errorf("%s: %d observations before it", line, len(all))
		}
	}
}

func TestNotAStream(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "test.xns: empty",
		"\n":                               "not a recorded stream",
		"{}\n":                             "not a recorded stream",
		"{\"version\":8}\n":                "not a recorded stream",
		"\x7fELF":                          "not a recorded stream",
		"{\"xnumon_stream\":2}\n":          "stream of version 2",
		"{\"xnumon_stream\":1,\"os\":1}\n": "not a recorded stream",
	} {
		if _, err := stream([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "stream.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for line := range bytes.Lines(b) {
		f.Add(append([]byte(head), line...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		all, stats, err := play(in)
		for _, o := range all {
			for _, f := range filesOf(o) {
				if f.Digest() == nil {
					t.Fatal("a file without a digest at the end")
				}
			}
		}
		if err != nil {
			return
		}
		checkStrict(t, in, stats)
		// Streams written by ourselves have each ref once; others are only read.
		refs := map[uint64]*sensor.File{}
		for _, o := range all {
			for _, f := range filesOf(o) {
				if other := refs[f.Ref]; other != nil && other != f {
					return
				}
				refs[f.Ref] = f
			}
		}
		again, _, err := play(recordAll(t, all...))
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, all, again)
	})
}

// checkStrict says that what was read without complaint is JSON.
func checkStrict(t fataler, in []byte, stats Stats) {
	t.Helper()
	n := 0
	for line := range bytes.Lines(in) {
		n++
		if stats.Truncated && n == stats.Lines {
			continue
		}
		if !json.Valid(line) {
			t.Fatalf("accepted %q", line)
		}
	}
}
