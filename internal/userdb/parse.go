package userdb

import (
	"bytes"
	"io"
	"strconv"
)

// Where the id stands in an entry, and how many fields an entry has at least.
// The C library also takes a passwd entry that ends after the group id.
const (
	passwdID, passwdFields = 2, 4
	groupID, groupFields   = 2, 3
)

// parse returns the first name for each id. What is not an entry is passed
// over: comments, malformed lines, and the lines starting with + or - by which
// nsswitch.conf(5)'s compat service refers to other databases.
func parse(r io.Reader, idField, fields int) (map[uint32]string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		// the last line is not whole
		data = data[:bytes.LastIndexByte(data[:maxSize], '\n')+1]
	}
	names := make(map[uint32]string)
	for line := range bytes.Lines(data) {
		id, name, ok := entry(bytes.TrimSuffix(line, []byte{'\n'}), idField, fields)
		if !ok {
			continue
		}
		if _, have := names[id]; !have {
			names[id] = string(name)
		}
	}
	return names, nil
}

func entry(line []byte, idField, fields int) (id uint32, name []byte, ok bool) {
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 || line[0] == '#' || line[0] == '+' || line[0] == '-' {
		return 0, nil, false
	}
	n := 0
	for field := range bytes.SplitSeq(line, []byte{':'}) {
		switch n {
		case 0:
			name = field
		case idField:
			v, err := strconv.ParseUint(string(field), 10, 32)
			// the largest number is not an id but means that there is none
			if err != nil || v == 1<<32-1 {
				return 0, nil, false
			}
			id = uint32(v)
		}
		if n++; n == fields {
			break
		}
	}
	return id, name, n == fields && len(name) > 0 && bytes.IndexByte(name, 0) < 0
}
