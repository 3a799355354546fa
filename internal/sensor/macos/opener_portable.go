//go:build unix && !darwin

package macos

import "golang.org/x/sys/unix"

const noFollow = unix.O_NOFOLLOW

func statDevice(st *unix.Stat_t) uint64 { return uint64(st.Dev) }
