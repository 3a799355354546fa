package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const dialTimeout = 15 * time.Second

// TLS says how to encrypt, and who must be at the other end. Its files are read
// for each connection, so that they can be renewed.
type TLS struct {
	CA   string // file of PEM certificates to trust, instead of the system's
	Cert string // file of the PEM certificate to show, and its chain
	Key  string // file of its PEM key
	Name string // the name the peer's certificate must have, instead of the host's
}

// Config returns the configuration for connecting to host.
func (t *TLS) Config(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.Name != "" {
		c.ServerName = t.Name
	}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read certificates to trust: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificates to trust: %s holds no PEM certificate", t.CA)
		}
	}
	if t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read certificate and key: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

// Dial connects to a host and port over TCP, and over TLS if t is not nil. Names
// are looked up by Go's own resolver: it neither forks nor loads libraries.
func Dial(ctx context.Context, address string, t *TLS) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := net.Dialer{Resolver: &net.Resolver{PreferGo: true}}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	limitWaiting(conn)
	if t == nil {
		return conn, nil
	}
	s, err := t.secure(ctx, conn, address)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// secure makes a TLS connection of one to address.
func (t *TLS) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c, err := t.Config(host)
	if err != nil {
		return nil, err
	}
	s := tls.Client(conn, c)
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("tls with %s: %w", address, err)
	}
	return s, nil
}

// Guard makes a write to conn return when ctx is done, until it is released.
func Guard(ctx context.Context, conn net.Conn) (release func()) {
	_ = conn.SetWriteDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

// Cause is ctx's reason to be done, if it is, and else err.
func Cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ctx.Err())) {
		return context.Cause(ctx)
	}
	return err
}
