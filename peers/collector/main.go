// Collector is an OpenTelemetry collector for tests: the OTLP receiver of the
// real one, and behind it a file in which each request is before the receiver
// answers, so that it can be killed and started again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	endpoint := flag.String("endpoint", "", "listen at this `HOST:PORT`")
	stored := flag.String("stored", "", "append each request to this `FILE`, a line of OTLP's JSON")
	cert := flag.String("cert", "", "certificate, for TLS")
	key := flag.String("key", "", "its key")
	flag.Parse()
	if err := run(context.Background(), *endpoint, *stored, *cert, *key); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {} // until it is killed
}

func run(ctx context.Context, endpoint, stored, cert, key string) error {
	file, err := os.OpenFile(stored, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	// If the last one was killed while it wrote, half a request is at the end, which was never answered.
	if _, err := file.WriteString("\n"); err != nil {
		return err
	}
	next, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		b, err := new(plog.JSONMarshaler).MarshalLogs(logs)
		if err == nil {
			_, err = file.Write(append(b, '\n'))
		}
		return err
	})
	if err != nil {
		return err
	}
	http := map[string]any{"endpoint": endpoint}
	if cert != "" {
		http["tls"] = map[string]any{"cert_file": cert, "key_file": key}
	}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": http}}).Unmarshal(config); err != nil {
		return err
	}
	receiver, err := factory.CreateLogs(ctx, receivertest.NewNopSettings(factory.Type()), config, next)
	if err != nil {
		return err
	}
	return receiver.Start(ctx, componenttest.NewNopHost())
}
