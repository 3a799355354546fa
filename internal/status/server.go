package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/encode"
)

// DefaultSocket is where the monitor of the machine answers.
const DefaultSocket = "/run/xnumon.sock"

const (
	patience  = 5 * time.Second // with who asks
	rateSpan  = time.Second     // over which rates are taken
	mostAsked = 64              // bytes of a question
	atOnce    = 8               // who are answered
)

// ErrInUse says that another monitor answers there.
var ErrInUse = errors.New("another monitor answers there")

// Server answers on a unix socket: a question is one of the words text, json and
// metrics on a line, the answer all that follows. Only root is answered.
type Server struct{ listener *net.UnixListener }

// Listen begins to listen at a path, mode 0600, and takes away what a dead
// monitor has left there. ErrInUse says that a live one is there. Who asks before
// Run is called waits until then.
func Listen(path string) (*Server, error) {
	address := &net.UnixAddr{Name: path, Net: "unix"}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("listen at %s: there is something that is no socket", path)
		}
		if conn, err := net.DialUnix("unix", nil, address); err == nil {
			conn.Close()
			return nil, fmt.Errorf("listen at %s: %w", path, ErrInUse)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen at %s: %w", path, err)
		}
	}
	l, err := net.ListenUnix("unix", address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	// Whoever was faster is asked who he is all the same.
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	return &Server{listener: l}, nil
}

// Close ends listening and takes the socket away.
func (s *Server) Close() error { return s.listener.Close() }

// Run answers with stats, which may be called from several goroutines, until ctx
// is done, and closes the Server.
func (s *Server) Run(ctx context.Context, stats func() *event.Stats) error {
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	var asking sync.WaitGroup
	defer asking.Wait()
	room := make(chan struct{}, atOnce)
	for {
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("answer at %s: %w", s.listener.Addr(), err)
		}
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			if mayAsk(conn) {
				_ = answer(ctx, conn, stats) // who asked notices
			}
		})
	}
}

func answer(ctx context.Context, conn net.Conn, stats func() *event.Stats) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	question, err := readLine(conn)
	if err != nil {
		return err
	}
	now := stats()
	var answer []byte
	switch question {
	case "text":
		select {
		case <-time.After(rateSpan):
		case <-ctx.Done():
		}
		answer = AppendText(nil, now, stats())
	case "json":
		answer = new(encode.JSON).AppendStats(nil, now)
	case "metrics":
		answer = AppendMetrics(nil, now)
	default:
		answer = []byte("what?\n")
	}
	_, err = conn.Write(answer)
	return err
}

// readLine reads a short line and nothing behind it.
func readLine(from io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < mostAsked; {
		if _, err := io.ReadFull(from, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[0])
	}
	return "", errors.New("the question is too long")
}

// Ask asks the monitor at a path and copies the answer to w.
func Ask(path, question string, w io.Writer) error {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("ask the monitor: %w: ask as root", err)
	} else if err != nil {
		return fmt.Errorf("ask the monitor: %w: does it run? systemctl start xnumon starts it, where it is installed", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, strings.TrimSpace(question)+"\n"); err != nil {
		return fmt.Errorf("ask the monitor: %w", err)
	}
	n, err := io.Copy(w, conn)
	if err == nil && n == 0 {
		err = errors.New("it gave no answer")
	}
	if err != nil {
		return fmt.Errorf("ask the monitor: %w", err)
	}
	return nil
}

// ServeMetrics answers GET /metrics with what Prometheus reads, until ctx is done,
// and closes l.
func ServeMetrics(ctx context.Context, l net.Listener, stats func() *event.Stats) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(AppendMetrics(nil, stats()))
	})
	server := &http.Server{Handler: mux, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer for metrics: %w", err)
	}
	return nil
}
