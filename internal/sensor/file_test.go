package sensor

import (
	"sync"
	"testing"
)

// Whoever asks when, everybody learns of the first digest, once.
func TestResolveAndDone(t *testing.T) {
	for range 2000 {
		f := &File{Ref: 7}
		var all sync.WaitGroup
		for _, sum := range []string{"a", "b"} {
			all.Go(func() { f.Resolve(Digest{SHA256: sum}) })
		}
		told := make([]string, 3)
		for i := range told {
			all.Go(func() {
				<-f.Done()
				told[i] = f.Digest().SHA256
			})
		}
		all.Wait()
		d := f.Digest()
		if d.Ref != 7 || told[0] != d.SHA256 || told[1] != d.SHA256 || told[2] != d.SHA256 {
			t.Fatalf("%+v, and told %q", d, told)
		}
		<-f.Done()
	}
}
