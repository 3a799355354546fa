package replay

import (
	"errors"
	"fmt"

	"xnumon/event"
	"xnumon/internal/sensor"
)

var errNotAStream = errors.New("not a recorded stream: the first line is no header")

// decoder turns lines into observations.
type decoder struct {
	scanner
	files map[uint64]*sensor.File
	stats Stats
}

// parseHeader reads the first line.
func parseHeader(line []byte) (Header, error) {
	var s scanner
	var h Header
	var v uint64
	s.reset(line)
	for s.open('{'); s.more('}'); {
		switch string(s.key()) {
		case "xnumon_stream":
			v = s.uint64()
		case "os":
			h.OS = s.str()
		case "release":
			h.Release = s.str()
		case "time":
			h.Time = event.Time(s.int64())
		default:
			s.skipUnknown()
		}
	}
	s.end()
	switch {
	case s.err != nil || v == 0:
		return Header{}, errNotAStream
	case v > version:
		return Header{}, fmt.Errorf("stream of version %d, and this reads up to version %d", v, version)
	}
	return h, nil
}

// decode decodes a line. The observation is nil for lines that are not about one,
// or not about one that is known.
func (d *decoder) decode(line []byte) (sensor.Observation, error) {
	d.scanner.reset(line)
	d.open('{')
	if !d.more('}') || string(d.key()) != "t" {
		d.fail("the first member is not t")
		return nil, d.err
	}
	t := string(d.quoted())
	var o sensor.Observation
	switch t {
	case typeFork:
		o = d.fork()
	case typeExec:
		o = d.exec()
	case typeExit:
		o = d.exit()
	case typeProcess:
		o = d.process()
	case typeLost:
		o = d.lost()
	case typeDigest:
		d.digest()
	case typeFree:
		d.free()
	default:
		for d.more('}') {
			d.key()
			d.skip(0)
		}
		d.stats.UnknownLines++
	}
	d.end()
	d.stats.UnknownMembers += d.unknown
	if d.err != nil {
		return nil, fmt.Errorf("%.20s: %w", t, d.err)
	}
	return o, nil
}

// require fails when a member that must be there is not.
func (d *decoder) require(ok bool, name string) {
	if !ok && d.err == nil {
		d.name = nil
		d.fail("no member " + name)
	}
}

func (d *decoder) fork() *sensor.Fork {
	o := new(sensor.Fork)
	for d.more('}') {
		switch string(d.key()) {
		case "time":
			o.Time = d.time()
		case "parent":
			o.Parent = d.pid()
		case "child":
			o.Child = d.pid()
		case "exec_id":
			o.ExecID = d.uint64()
		default:
			d.skipUnknown()
		}
	}
	d.require(!o.Child.IsZero(), "child")
	return o
}

func (d *decoder) exit() *sensor.Exit {
	o := new(sensor.Exit)
	for d.more('}') {
		switch string(d.key()) {
		case "time":
			o.Time = d.time()
		case "key":
			o.Key = d.pid()
		default:
			d.skipUnknown()
		}
	}
	d.require(!o.Key.IsZero(), "key")
	return o
}

func (d *decoder) exec() *sensor.Exec {
	o := new(sensor.Exec)
	for d.more('}') {
		switch string(d.key()) {
		case "time":
			o.Time = d.time()
		case "key":
			o.Key = d.pid()
		case "next":
			o.Next = d.pid()
		case "tid":
			o.TID = d.uint32()
		case "exec_id":
			o.ExecID = d.uint64()
		case "parent":
			o.Parent = d.pid()
		case "argv":
			o.Argv = d.strs()
		case "argv_reason":
			o.ArgvReason = d.reason()
		case "env":
			o.Env = d.strs()
		case "env_reason":
			o.EnvReason = d.reason()
		case "cwd":
			o.Cwd = d.str()
		case "cwd_reason":
			o.CwdReason = d.reason()
		case "filename":
			o.Filename = d.str()
		case "image":
			o.Image = d.file()
		case "interpreted":
			o.Interpreted = d.bool()
		case "interpreters":
			for d.open('['); d.more(']'); {
				o.Interpreters = append(o.Interpreters, d.file())
			}
		case "before":
			o.Before = new(d.creds())
		case "after":
			o.After = d.creds()
		case "session":
			o.Session = d.session()
		case "container":
			o.Container = d.container()
		case "gate":
			o.Gate = d.gate()
		default:
			d.skipUnknown()
		}
	}
	d.require(!o.Key.IsZero(), "key")
	d.require(o.Image != nil, "image")
	return o
}

func (d *decoder) process() *sensor.Process {
	o := new(sensor.Process)
	for d.more('}') {
		switch string(d.key()) {
		case "time":
			o.Time = d.time()
		case "key":
			o.Key = d.pid()
		case "was":
			o.Was = d.pid()
		case "parent":
			o.Parent = d.pid()
		case "fork_pid":
			o.ForkPID = d.uint32()
		case "exec_id":
			o.ExecID = d.uint64()
		case "start":
			o.Start = d.time()
		case "kernel_thread":
			o.KernelThread = d.bool()
		case "image":
			o.Image = d.file()
		case "argv":
			o.Argv = d.strs()
		case "env":
			o.Env = d.strs()
		case "cwd":
			o.Cwd = d.str()
		case "creds":
			o.Creds = d.creds()
		case "session":
			o.Session = d.session()
		case "container":
			o.Container = d.container()
		default:
			d.skipUnknown()
		}
	}
	d.require(!o.Key.IsZero(), "key")
	return o
}

func (d *decoder) lost() *sensor.Lost {
	o := new(sensor.Lost)
	for d.more('}') {
		switch string(d.key()) {
		case "time":
			o.Time = d.time()
		case "source":
			o.Source = d.str()
		case "count":
			o.Count = d.uint64()
		case "since":
			o.Since = d.time()
		case "until":
			o.Until = d.time()
		case "lineage":
			o.Lineage = d.bool()
		default:
			d.skipUnknown()
		}
	}
	return o
}

// digest resolves the file that the digest belongs to.
func (d *decoder) digest() {
	var o sensor.Digest
	for d.more('}') {
		switch string(d.key()) {
		case "ref":
			o.Ref = d.uint64()
		case "sha256":
			o.SHA256 = d.str()
		case "sha1":
			o.SHA1 = d.str()
		case "md5":
			o.MD5 = d.str()
		case "reason":
			o.Reason = d.reason()
		case "cert_cn":
			o.CertCN = d.str()
		default:
			d.skipUnknown()
		}
	}
	d.require(o.Ref != 0, "ref")
	if d.err != nil {
		return
	}
	if f := d.files[o.Ref]; f != nil {
		f.Resolve(o)
	} else {
		d.stats.Unmatched++
	}
}

func (d *decoder) free() {
	var ref uint64
	for d.more('}') {
		switch string(d.key()) {
		case "ref":
			ref = d.uint64()
		default:
			d.skipUnknown()
		}
	}
	d.require(ref != 0, "ref")
	if f := d.files[ref]; d.err == nil && f != nil {
		f.Resolve(sensor.Digest{Reason: event.ReasonNotRecorded}) // unless it has a digest
		delete(d.files, ref)
	}
}

// file reads a file, or finds the one that a ref means. When the line that had it is
// lost, nothing is known of it but that.
func (d *decoder) file() *sensor.File {
	if c := d.peek(); '0' <= c && c <= '9' {
		ref := d.uint64()
		if ref == 0 {
			d.fail("no file has the ref 0")
			return nil
		}
		f := d.files[ref]
		if f == nil && d.err == nil {
			d.stats.Unmatched++
			f = &sensor.File{Ref: ref, PathReason: event.ReasonNotRecorded}
			d.keep(f)
		}
		return f
	}
	f := new(sensor.File)
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "ref":
			f.Ref = d.uint64()
		case "path":
			f.Path = d.str()
		case "path_reason":
			f.PathReason = d.reason()
		case "deleted":
			f.Deleted = d.bool()
		case "unreachable":
			f.Unreachable = d.bool()
		case "memfd":
			f.Memfd = d.str()
		case "stat":
			d.stat(f)
		case "signature":
			f.Signature = d.signature()
		default:
			d.skipUnknown()
		}
	}
	d.require(f.Ref != 0, "ref")
	d.keep(f)
	return f
}

// keep files f under its ref. One that stood there before will get no digest any more.
func (d *decoder) keep(f *sensor.File) {
	if d.err != nil {
		return
	}
	if old := d.files[f.Ref]; old != nil {
		old.Resolve(sensor.Digest{Reason: event.ReasonNotRecorded})
	}
	d.files[f.Ref] = f
}

func (d *decoder) stat(f *sensor.File) {
	f.HasStat = true
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "dev":
			f.ID.Dev = d.uint64()
		case "ino":
			f.ID.Ino = d.uint64()
		case "gen":
			f.ID.Gen = d.uint32()
		case "size":
			f.ID.Size = d.int64()
		case "mtime":
			f.ID.MTime = d.time()
		case "ctime":
			f.ID.CTime = d.time()
		case "btime":
			f.BTime = d.time()
		case "mode":
			f.Mode = d.uint32()
		case "uid":
			f.UID = d.uint32()
		case "gid":
			f.GID = d.uint32()
		default:
			d.skipUnknown()
		}
	}
}
