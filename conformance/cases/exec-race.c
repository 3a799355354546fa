// Two threads of a process execute different programs at the same time, ten times:
// one wins, the other never comes back from the call.
//
// Logged must be: the one that ran.
// Goes wrong where what the loser had opened and asked for is mixed with what the
// winner did.
#include "lib/expect.h"

#include <pthread.h>

enum { COUNT = 10 };

static struct side {
	char *path, **argv;
} sides[2];
static pthread_barrier_t both;

static void *racer(void *arg) {
	struct side *s = arg;
	pthread_barrier_wait(&both);
	execv(s->path, s->argv);
	// Lost before the call had gone far enough to be killed there.
	pause();
	return NULL;
}

static void race(void *unused) {
	(void)unused;
	pthread_t t[2];
	pthread_barrier_init(&both, NULL, 2);
	if (dup2(hold[0], 0) < 0) _exit(98);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, racer, &sides[i])) _exit(126);
	pause();
}

int main(void) {
	begin(NULL);
	char *one = target("one"), *two = target("two"), *sum[2] = {hash(one), hash(two)};
	for (int i = 0; i < COUNT; i++) {
		char *id[2] = {format("one%d", i), format("two%d", i)};
		sides[0] = (struct side){one, ARGV(one, tok(id[0]), "hold:")};
		sides[1] = (struct side){two, ARGV(two, tok(id[1]), "hold:")};
		struct run r = start_held_with(race, NULL, "", ARGV(""));
		char *running = real(format("/proc/%d/exe", r.pid));
		int won = !strcmp(running, two);
		release(&r);
		r.inherits = 1;
		expect(id[won], &r);
		native(id[won], sides[won].path, sum[won], sides[won].argv);
		has(id[won], "filename", sides[won].path);
		never(id[!won], r.pid, tok(id[!won]));
	}
	end();
}
