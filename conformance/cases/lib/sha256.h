// SHA-256 (FIPS 180-4), plain and small.
#ifndef SHA256_H
#define SHA256_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

static const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_init(struct sha256 *h) {
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	memcpy(h->state, start, sizeof start);
	h->bytes = 0;
}

static uint32_t sha256_ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_round(struct sha256 *h) {
	uint32_t w[64], s[8];
	for (int i = 0; i < 16; i++) {
		const unsigned char *b = h->block + 4 * i;
		w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	}
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] + (sha256_ror(a, 7) ^ sha256_ror(a, 18) ^ a >> 3) +
		       (sha256_ror(b, 17) ^ sha256_ror(b, 19) ^ b >> 10);
	}
	memcpy(s, h->state, sizeof s);
	for (int i = 0; i < 64; i++) {
		uint32_t a = s[0], e = s[4];
		uint32_t t1 = s[7] + (sha256_ror(e, 6) ^ sha256_ror(e, 11) ^ sha256_ror(e, 25)) +
		              ((e & s[5]) ^ (~e & s[6])) + sha256_k[i] + w[i];
		uint32_t t2 = (sha256_ror(a, 2) ^ sha256_ror(a, 13) ^ sha256_ror(a, 22)) +
		              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof *s);
		s[0] = t1 + t2;
		s[4] += t1;
	}
	for (int i = 0; i < 8; i++) h->state[i] += s[i];
}

static void sha256_add(struct sha256 *h, const void *data, size_t len) {
	const unsigned char *p = data;
	while (len > 0) {
		size_t at = h->bytes % 64, n = 64 - at < len ? 64 - at : len;
		memcpy(h->block + at, p, n);
		h->bytes += n;
		p += n;
		len -= n;
		if (h->bytes % 64 == 0) sha256_round(h);
	}
}

// The digest in lower-case hexadecimal; the caller owns it.
static char *sha256_hex(struct sha256 *h) {
	static const char digit[] = "0123456789abcdef";
	uint64_t bits = h->bytes * 8;
	unsigned char len[8];
	for (int i = 0; i < 8; i++) len[i] = bits >> (56 - 8 * i);
	sha256_add(h, "\x80", 1);
	while (h->bytes % 64 != 56) sha256_add(h, "", 1);
	sha256_add(h, len, 8);
	char *hex = malloc(65);
	if (!hex) abort();
	for (int i = 0; i < 64; i++) hex[i] = digit[h->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
	hex[64] = 0;
	return hex;
}
#endif
