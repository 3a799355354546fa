// The dynamic loader, executed as a program with another program as argument.
//
// Logged must be: the loader as the image, and no script.
// Goes wrong where the loader is taken for an interpreter that the kernel put in.
#include "lib/expect.h"

static const char *loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1"};

int main(void) {
	begin(NULL);
	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
		if (access(loaders[i], X_OK) != 0) continue;
		char *loader = real(loaders[i]);
		char **argv = ARGV("ld.so", "--list", "/bin/sh", tok("a"));
		struct run r = run(loaders[i], argv);
		expect("a", &r);
		native("a", loader, hash(loader), argv);
		has("a", "filename", loaders[i]);
		end();
	}
	skip("no dynamic loader");
}
