// Broker is a Kafka broker for tests: franz-go's kfake, with what it takes on
// disk before it answers, so that it can be killed and started again.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	port := flag.Int("port", 0, "listen at this port of 127.0.0.1")
	data := flag.String("data", "", "keep messages in this directory")
	topic := flag.String("topic", "xnumon", "topic that there is")
	cert := flag.String("cert", "", "certificate, for TLS")
	key := flag.String("key", "", "its key")
	user := flag.String("user", "", "user that has to log in")
	password := flag.String("password", "", "the user's password")
	most := flag.String("max-message-bytes", "1048588", "longest batch")
	flag.Parse()
	if err := run(*port, *data, *topic, *cert, *key, *user, *password, *most); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {} // until it is killed
}

func run(port int, data, topic, cert, key, user, password, most string) error {
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, topic), kfake.DataDir(data), kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": most}),
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return err
		}
		options = append(options, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}
	if user != "" {
		options = append(options, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", user, password))
	}
	_, err := kfake.NewCluster(options...)
	return err
}
