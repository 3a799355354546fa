package macos

import "bytes"

// Sniff says whether the beginning of a file looks like what eslogger writes: the
// first line that is JSON, or as much of it as is at hand. Members come in random
// order, so a line that is cut off can have any of them in front.
func Sniff(begin []byte) bool {
	for line := range bytes.Lines(begin) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' {
			return sniff(line)
		}
	}
	return false
}

func sniff(line []byte) bool {
	s := &scanner{b: line}
	top, inner := map[string]bool{}, map[string]bool{}
	// Errors do not matter: what was found before the cut does.
	_ = s.object(func(key []byte) error {
		top[string(key)] = true
		if k := string(key); (k == "process" || k == "event") && s.peek() == '{' {
			return s.names(inner)
		}
		_, err := s.value()
		return err
	})
	switch {
	case top["event"] && top["process"] && (top["event_type"] || top["seq_num"] || top["global_seq_num"]):
		return true
	case top["mach_time"] || top["global_seq_num"] || top["action_type"] && top["event_type"]:
		return true
	case top["event"] && (inner["exec"] || inner["fork"] || inner["exit"]):
		return true
	}
	for _, name := range []string{
		"audit_token", "codesigning_flags", "dyld_exec_path", "is_es_client", "original_ppid",
		"parent_audit_token", "responsible_audit_token", "st_birthtimespec", "st_mtimespec",
	} {
		if inner[name] {
			return true
		}
	}
	return false
}

// names notes the names of the members of an object and of the objects in it.
func (s *scanner) names(found map[string]bool) error {
	return s.object(func(key []byte) error {
		found[string(key)] = true
		if s.peek() == '{' {
			return s.names(found)
		}
		_, err := s.value()
		return err
	})
}
