//go:build !linux

package transport

import "net"

func limitWaiting(net.Conn) {}
