/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_MAPS_H
#define XNUMON_MAPS_H

/* Set by user space before loading. */
volatile const u32 self_tgid;      /* the monitor */
volatile const u32 want_env;       /* send the environment */
volatile const u32 nr_execve, nr_execveat;               /* native system calls */
volatile const u32 nr_compat_execve, nr_compat_execveat; /* of 32-bit programs */
volatile const u32 nr_memfd_create;
volatile const u32 nr_compat_memfd_create, nr_compat_mount;
volatile const u32 nr_mounts[4]; /* calls that make a mount, mount(2) first */
volatile const u32 nr_ioctl, nr_compat_ioctl, nr_fsconfig;
volatile const u32 nr_x32_execve, nr_x32_execveat, nr_x32_ioctl; /* without the bit that marks them */
volatile const u64 nr_watched[16]; /* a bit for each of these numbers */

/* How often a call was made that can change the bytes of a file and none of its times, or put a
 * file system in the place of another with the same device number. The sys_enter
 * program counts, before the call does anything; whoever reads an identity reads this too: two
 * identities of different epochs are not of the same state, whatever else they say. */
volatile u64 epoch;

/* All programs write, the event reader reads. Order in it is the order of things. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20); /* its reader has it mapped twice */
} events SEC(".maps");

/* The sys_exit program writes, the gate's marker reads: mounts and memfds to be
 * marked at once, so not behind a queue of records. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 10);
} control SEC(".maps");

/* What an exec call began with. The sys_enter program writes, the exec program
 * reads and deletes, the identify program reads; an entry lives until the exec
 * succeeds or the thread ends. Keyed by thread id: between the two, it is stable. */
struct attempt {
	u64 when;
	u64 start; /* of the process */
	struct credentials creds;
	u64 cred; /* address of the kernel's own */
	u64 root_dentry, root_mnt; /* addresses of the process's root */
	u64 first; /* when the first call since the last success was entered */
	u32 failed, opened; /* calls since then that failed, and may have opened a file; the sys_exit
	                     * program writes the second */
	u32 held;           /* the gate has asked about a file since then; the identify program writes */
	u32 rings;          /* the thread uses io_uring */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct attempt);
} attempts SEC(".maps");

/* Written where something did not fit, read by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_SOURCES);
	__type(key, u32);
	__type(value, struct loss);
} losses SEC(".maps");

/* The state of a walk towards the root. Addresses. */
struct walk {
	u64 dentry, mnt, root_dentry, root_mnt;
	u64 first_dentry, first_mnt;
	u64 sum;
	u32 status;
	u32 off, len;
	u32 pad;
};

/* The oldest files of those that an exec has opened to execute them and let go of, oldest
 * first. See script.h. */
#define MOST_SCRIPTS 6 /* one more than the kernel goes through */
struct let_go {
	u64 next; /* address of the work that is yet to be looked at */
	u64 cred; /* of the call */
	u64 works[MOST_SCRIPTS]; /* addresses */
	u32 unknown; /* the oldest is not a known image */
	u32 pad;
};

struct exec_buffer {
	struct exec_record r;
	u8 data[DATA_CAP + PART_CAP]; /* the last write may begin at DATA_CAP */
	struct walk walk;
	struct let_go let_go;
};

/* The exec program's own: it cannot be interrupted by itself, tracepoints run
 * with preemption off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_buffer);
} scratch SEC(".maps");

/* The iterator's own: it can be preempted, and has one reader at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_buffer);
} iter_scratch SEC(".maps");

#define CHUNK_CAP 16384
struct chunk_buffer {
	struct chunk_record r;
	u8 data[CHUNK_CAP];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct chunk_buffer);
} chunk_scratch SEC(".maps");

/* The identify program writes a slot, its caller reads it through a mapping. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IDENTIFY_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct exec_buffer);
} identified SEC(".maps");

/* Which buffer: a function of its own cannot be given a pointer into a map that
 * the verifier knows the size of. */
enum where { IN_SCRATCH, IN_ITER, IN_IDENTIFIED };

static __always_inline struct exec_buffer *buffer(u32 where)
{
	u32 slot = 0;

	if (where == IN_SCRATCH)
		return bpf_map_lookup_elem(&scratch, &slot);
	if (where == IN_ITER)
		return bpf_map_lookup_elem(&iter_scratch, &slot);
	slot = where - IN_IDENTIFIED;
	return bpf_map_lookup_elem(&identified, &slot);
}

/* Which exec a process is at. The exec program writes, the exit program deletes,
 * user space reads, to see whether a process still runs what it ran. */
struct running_exec {
	u64 start, exec_id;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct running_exec);
} running SEC(".maps");

/* Images and scripts whose digest user space has by their state. It writes, the exec program reads. What is
 * in it wrongly, or not in it, makes for a wrong hurry and nothing else. Keyed by address. */
struct known_image {
	u64 ino, epoch;
	s64 ctime;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct known_image);
} known_images SEC(".maps");

/* Waking the reader costs more than a record: an interrupt, two switches, and what the
 * reader's own scheduler makes of it. So most records do not. Forks and exits wait for the
 * next exec or for the reader's own clock, and the execs of GATHER nanoseconds
 * for each other, if nothing about them is urgent, unless the ring fills up. (The default, to wake when the reader has read
 * everything before, would not do with records that do not wake:
 * kernel/bpf/ringbuf.c, bpf_ringbuf_commit.) */
#define QUIET_ROOM (1 << 20)
#define GATHER 50000000

static __always_inline u64 quietly(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > QUIET_ROOM ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* What wakes the reader. The exec program sets it, and makes it the first time. */
struct alarm {
	struct bpf_timer timer;
	u32 made, running;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct alarm);
} alarms SEC(".maps");

#define CLOCK_MONOTONIC 1

static int ring_alarm(void *map, u32 *key, struct alarm *a)
{
	a->running = 0;
	/* Only what becomes of a record wakes. */
	struct header *h = bpf_ringbuf_reserve(&events, sizeof(*h), 0);
	if (h)
		bpf_ringbuf_discard(h, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* To be called behind the record: if the alarm runs then, the reader is yet to be woken. */
static __always_inline void wake_soon(void)
{
	u32 zero = 0;
	struct alarm *a = bpf_map_lookup_elem(&alarms, &zero);

	if (!a || a->running)
		return;
	if (!a->made) {
		bpf_timer_init(&a->timer, &alarms, CLOCK_MONOTONIC);
		if (bpf_timer_set_callback(&a->timer, ring_alarm))
			return;
		a->made = 1;
	}
	a->running = 1;
	if (bpf_timer_start(&a->timer, GATHER, 0))
		a->running = 0;
}

static __always_inline void count_loss(u32 source, u64 now)
{
	struct loss *l = bpf_map_lookup_elem(&losses, &source);
	if (!l)
		return;
	if (!l->count)
		l->first = now;
	l->last = now;
	l->count++;
}

#endif
