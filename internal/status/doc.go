// Package status tells others how the monitor is: the service manager, the
// administrator who asks on the machine, and a collector of metrics.
package status
