package macos

import "golang.org/x/sys/unix"

// noFollow refuses links anywhere in a path (open(2)).
const noFollow = unix.O_NOFOLLOW_ANY

func statDevice(st *unix.Stat_t) uint64 { return device(uint32(st.Dev)) }
