package macos

import (
	"errors"
	"fmt"

	"xnumon/internal/macho"
)

// knownVersion is the newest message version whose meaning is known. Versions
// only ever add fields (ESMessage.h), so newer ones are read and counted.
const knownVersion = 11

// decoder turns lines into messages. What it needs must be there and of the
// right form; what it merely likes to have is left out when it is not, and
// counted; what it does not know is counted.
type decoder struct {
	unknownFields uint64 // members of objects it reads that it has never heard of
	unusable      uint64 // optional members of an unexpected form
}

var (
	errMissing = errors.New("missing")
	errForm    = errors.New("unexpected form")
)

// decode reads one line. With an error it returns what it could read of the
// sequence numbers and times, never nil.
func (d *decoder) decode(line []byte) (*message, error) {
	m := &message{}
	var proc, ev []byte
	s := &scanner{b: line}
	err := s.object(func(key []byte) (err error) {
		switch string(key) {
		case "process":
			proc, err = s.value()
		case "event":
			ev, err = s.value()
		case "time":
			err = d.optional(s, func(s *scanner) (err error) { m.time, err = timestamp(s); return err })
		case "mach_time":
			err = d.optional(s, func(s *scanner) (err error) { m.mach, err = s.unsigned(); return err })
		case "version":
			err = d.optional(s, func(s *scanner) (err error) { m.version, err = s.unsigned(); return err })
		case "event_type":
			err = d.optional(s, func(s *scanner) (err error) { m.eventType, err = s.signed(); return err })
		case "seq_num":
			err = d.optional(s, number(&m.seq))
		case "global_seq_num":
			err = d.optional(s, number(&m.global))
		case "schema_version", "action", "action_type", "thread", "deadline":
			_, err = s.value()
		default:
			err = d.unknown(s)
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	switch {
	case err != nil:
		// Bytes that are not JSON say nothing: not even the numbers in front.
		return &message{}, err
	case ev == nil:
		return m, fmt.Errorf("event: %w", errMissing)
	}
	if err := d.event(m, ev); err != nil {
		return m, fmt.Errorf("event: %w", err)
	}
	switch {
	case m.kind == "":
		return m, fmt.Errorf("event: %w", errMissing)
	case !m.ours():
		return m, nil
	case m.time == 0:
		return m, fmt.Errorf("time: %w", errMissing)
	case proc == nil:
		return m, fmt.Errorf("process: %w", errMissing)
	}
	if m.process, err = d.process(&scanner{b: proc}); err != nil {
		return m, fmt.Errorf("process: %w", err)
	}
	return m, nil
}

// event reads the object whose only member names the event.
func (d *decoder) event(m *message, ev []byte) error {
	s := &scanner{b: ev}
	return s.object(func(key []byte) (err error) {
		if m.kind != "" {
			return fmt.Errorf("%s and %.40q: %w", m.kind, key, errForm)
		}
		m.kind = string(key)
		switch m.kind {
		case "exec":
			m.exec, err = d.exec(s)
		case "fork":
			m.child, err = d.fork(s)
		default: // exit has the status only
			_, err = s.value()
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", m.kind, err)
		}
		return err
	})
}

func (d *decoder) fork(s *scanner) (child *process, err error) {
	err = s.object(func(key []byte) (err error) {
		if string(key) != "child" {
			return d.unknown(s)
		}
		child, err = d.process(s)
		return err
	})
	if err == nil && child == nil {
		err = errMissing
	}
	if err != nil {
		err = fmt.Errorf("child: %w", err)
	}
	return child, err
}

func (d *decoder) exec(s *scanner) (*execution, error) {
	e := &execution{}
	var cpu, sub int64
	err := s.object(func(key []byte) (err error) {
		switch string(key) {
		case "target":
			if e.target, err = d.process(s); err != nil {
				err = fmt.Errorf("target: %w", err)
			}
		case "script":
			// That there was a script is not to be lost because of its form.
			if !s.null() {
				if e.script, err = d.file(s); err != nil {
					err = fmt.Errorf("script: %w", err)
				}
			}
		case "cwd":
			err = d.optional(s, func(s *scanner) (err error) { e.cwd, err = d.file(s); return err })
		case "args":
			err = d.optional(s, func(s *scanner) (err error) { e.args, e.hasArgs, err = strs(s); return err })
		case "env":
			err = d.optional(s, func(s *scanner) (err error) { e.env, e.hasEnv, err = strs(s); return err })
		case "dyld_exec_path":
			err = d.optional(s, str(&e.dyldPath))
		case "image_cputype":
			err = d.optional(s, func(s *scanner) (err error) { cpu, err = s.signed(); return err })
		case "image_cpusubtype":
			err = d.optional(s, func(s *scanner) (err error) { sub, err = s.signed(); return err })
		case "fds", "last_fd":
			_, err = s.value()
		default:
			err = d.unknown(s)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case e.target == nil:
		return nil, fmt.Errorf("target: %w", errMissing)
	case e.target.executable == nil:
		return nil, fmt.Errorf("target: executable: %w", errMissing)
	}
	// cpu_type_t and cpu_subtype_t are signed; their bits are what counts.
	e.arch = macho.Arch{CPU: uint32(cpu), Sub: uint32(sub)}
	return e, nil
}

func (d *decoder) process(s *scanner) (*process, error) {
	p := &process{}
	identified := false
	err := s.object(func(key []byte) (err error) {
		switch string(key) {
		case "audit_token":
			if p.token, err = auditToken(s); err != nil {
				err = fmt.Errorf("audit_token: %w", err)
			}
			identified = true
		case "parent_audit_token":
			err = d.optional(s, func(s *scanner) error {
				t, err := auditToken(s)
				if err == nil {
					p.parent = &t
				}
				return err
			})
		case "original_ppid":
			err = d.optional(s, func(s *scanner) error {
				id, err := s.id()
				if err == nil {
					p.originalPPID = &id
				}
				return err
			})
		case "session_id":
			err = d.optional(s, func(s *scanner) (err error) { p.session, err = s.id(); return err })
		case "start_time":
			err = d.optional(s, func(s *scanner) (err error) { p.start, err = timestamp(s); return err })
		case "executable":
			err = d.optional(s, func(s *scanner) (err error) { p.executable, err = d.file(s); return err })
		case "tty":
			err = d.optional(s, func(s *scanner) error {
				f, err := d.file(s)
				if err == nil && !f.truncated {
					p.tty = f.path
				}
				return err
			})
		case "codesigning_flags":
			err = d.optional(s, func(s *scanner) (err error) { p.flags, err = s.id(); p.hasFlags = err == nil; return err })
		case "is_platform_binary":
			err = d.optional(s, func(s *scanner) (err error) { p.platform, err = s.boolean(); return err })
		case "cs_validation_category":
			err = d.optional(s, number(&p.category))
		case "cdhash":
			err = d.optional(s, func(s *scanner) (err error) { p.cdhash, err = cdhash(s); return err })
		case "signing_id":
			err = d.optional(s, str(&p.ident))
		case "team_id":
			err = d.optional(s, str(&p.team))
		case "ppid", "group_id", "is_es_client", "responsible_audit_token", "cdhash_full":
			_, err = s.value()
		default:
			err = d.unknown(s)
		}
		return err
	})
	if err == nil && !identified {
		err = fmt.Errorf("audit_token: %w", errMissing)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (d *decoder) file(s *scanner) (*file, error) {
	f := &file{}
	named := false
	err := s.object(func(key []byte) (err error) {
		switch string(key) {
		case "path":
			var b []byte
			b, err = s.text()
			f.path, named = string(b), true
		case "path_truncated":
			f.truncated, err = s.boolean()
		case "stat":
			err = d.optional(s, func(s *scanner) (err error) { f.stat, err = d.stat(s); return err })
		default:
			err = d.unknown(s)
		}
		return err
	})
	if err == nil && !named {
		err = fmt.Errorf("path: %w", errMissing)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *decoder) stat(s *scanner) (*stat, error) {
	st := &stat{nlink: 1} // a file is not called deleted because the number is not there
	const dev, ino, mode, uid, gid, size, mtime, ctime, all = 1, 2, 4, 8, 16, 32, 64, 128, 255
	seen := 0
	err := s.object(func(key []byte) (err error) {
		switch string(key) {
		case "st_dev":
			st.dev, err = s.id()
			seen |= dev
		case "st_ino":
			st.ino, err = s.unsigned()
			seen |= ino
		case "st_mode":
			st.mode, err = s.id()
			seen |= mode
		case "st_nlink":
			st.nlink, err = s.id()
		case "st_uid":
			st.uid, err = s.id()
			seen |= uid
		case "st_gid":
			st.gid, err = s.id()
			seen |= gid
		case "st_gen":
			st.gen, err = s.id()
		case "st_size":
			st.size, err = s.signed()
			seen |= size
		case "st_mtimespec":
			st.mtime, err = timestamp(s)
			seen |= mtime
		case "st_ctimespec":
			st.ctime, err = timestamp(s)
			seen |= ctime
		case "st_birthtimespec":
			st.btime, err = timestamp(s)
		case "st_atimespec", "st_rdev", "st_blocks", "st_blksize", "st_flags":
			_, err = s.value()
		default:
			err = d.unknown(s)
		}
		return err
	})
	if err == nil && seen != all {
		err = errMissing
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}
