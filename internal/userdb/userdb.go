// Package userdb finds the names of users and groups in the files database
// (passwd(5), group(5)). It never goes by nsswitch.conf(5): a service that needs
// the network or another process can block for as long as it likes, and would
// itself be seen by the monitor.
package userdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Where the files are.
const (
	Passwd = "/etc/passwd"
	Group  = "/etc/group"
)

const (
	// recheck is how long a file is believed to be unchanged.
	recheck = 3 * time.Second
	// racy is how long after a change of a file another one might leave its
	// time of modification the same: more than any file system's granularity.
	racy = 2 * time.Second
	// maxSize is where reading ends. Larger files are cut there.
	maxSize = 64 << 20
)

// DB knows the names of users and groups. All methods may be called from any
// goroutine. Lookups do no I/O, except that the first reads the file.
type DB struct {
	users, groups file
	now           func() time.Time
}

// New returns a DB over the files of these names, which need not exist: ids
// have no names then. They are read when they are first needed. now is the
// clock; nil means time.Now.
func New(passwd, group string, now func() time.Time) *DB {
	if now == nil {
		now = time.Now
	}
	return &DB{
		users:  file{name: passwd, idField: passwdID, fields: passwdFields},
		groups: file{name: group, idField: groupID, fields: groupFields},
		now:    now,
	}
}

// User returns the name of a user, empty if it has none or it is not known. As
// with getpwuid(3) the first entry of several with the same id counts.
func (db *DB) User(uid uint32) string { return db.users.lookup(uid, db.now) }

// Group returns the name of a group, like User.
func (db *DB) Group(gid uint32) string { return db.groups.lookup(gid, db.now) }

// Refresh reads the files again if they have changed, looking at them every
// few seconds at most. It costs a look at the clock otherwise.
func (db *DB) Refresh() {
	now := db.now()
	db.users.refresh(now)
	db.groups.refresh(now)
}

// Err returns why the files could not be read when that was last tried, nil if
// they could or do not exist.
func (db *DB) Err() error { return errors.Join(db.users.err(), db.groups.err()) }

// file is one file and what it said.
type file struct {
	name    string
	idField int
	fields  int // how many an entry has at least

	current atomic.Pointer[content]
	reading sync.Mutex
}

// content is immutable.
type content struct {
	names   map[uint32]string
	info    fs.FileInfo // nil if the file did not exist
	read    time.Time
	checked time.Time
	err     error
}

func (f *file) lookup(id uint32, now func() time.Time) string {
	c := f.current.Load()
	if c == nil {
		c = f.check(now())
	}
	return c.names[id]
}

func (f *file) refresh(now time.Time) {
	c := f.current.Load()
	// A clock that was set back makes it due as well.
	if c == nil || now.Sub(c.checked) >= recheck || now.Before(c.checked) {
		f.check(now)
	}
}

func (f *file) err() error {
	if c := f.current.Load(); c != nil {
		return c.err
	}
	return nil
}

// check reads the file again if it has changed. Only the first reading is
// waited for by more than the one who does it.
func (f *file) check(now time.Time) *content {
	old := f.current.Load()
	if old == nil {
		f.reading.Lock()
		if old = f.current.Load(); old != nil {
			f.reading.Unlock()
			return old
		}
	} else if !f.reading.TryLock() {
		return old
	}
	defer f.reading.Unlock()
	c := &content{checked: now, read: now}
	info, err := os.Stat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err == nil && old != nil && old.same(info):
		*c = *old
		c.checked = now
	default:
		if err == nil && !info.Mode().IsRegular() {
			// opening a pipe would wait for its writer
			c.err = fmt.Errorf("read the names database %s: not a regular file", f.name)
		} else {
			c.names, c.info, c.err = f.read()
		}
		if c.err != nil && old != nil {
			// What it said before is the best there is; try again next time.
			c.names, c.info = old.names, nil
		}
	}
	f.current.Store(c)
	return c
}

// same reports whether c is still what the file says.
func (c *content) same(now fs.FileInfo) bool {
	i := c.info
	return i != nil && c.err == nil && os.SameFile(i, now) && i.Size() == now.Size() &&
		i.ModTime().Equal(now.ModTime()) && c.read.Sub(i.ModTime()) >= racy
}

func (f *file) read() (map[uint32]string, fs.FileInfo, error) {
	r, err := os.Open(f.name)
	if err != nil {
		return nil, nil, fmt.Errorf("open the names database: %w", err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("stat the names database: %w", err)
	}
	names, err := parse(r, f.idField, f.fields)
	if err != nil {
		return nil, nil, fmt.Errorf("read the names database %s: %w", f.name, err)
	}
	return names, info, nil
}
