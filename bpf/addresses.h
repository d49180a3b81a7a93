/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Network addresses as text: inet_ntoa, inet_ntoa6, inet_ntop, link_ntop (contract R17 to R19, R21). */
#pragma once

#define MOST_ADDRESS 64 /* bytes of the longest, an InfiniBand one, which takes 59: a power of two */

#define AF_INET 2
#define AF_INET6 10
#define ARPHRD_ETHER 1
#define ARPHRD_INFINIBAND 32

struct address {
    u64 at;
    u64 parts[3]; /* the address, in memory's order; the last one is an IPv4 address by itself */
    u64 from, until; /* the groups that become :: */
    u64 zeroes; /* a bit for each group at which a run of the longest length begins; the first one lowest */
    char text[MOST_ADDRESS];
};

struct address_context {
    struct address *address;
};

/* Without a branch, so that the verifier has one way to follow: what is not wanted is written over. */
static __always_inline void address_put(struct address *address, char byte, u64 wanted)
{
    u64 at = address->at & (MOST_ADDRESS - 1);

    HIDE(at);
    address->text[at & (MOST_ADDRESS - 1)] = byte;
    address->at = at + !!wanted;
}

static __always_inline u64 address_byte(struct address *address, u64 n)
{
    u64 word = n < 8 ? address->parts[0] : n < 16 ? address->parts[1] : address->parts[2];

    return word >> (n & 7) * 8 & 0xff;
}

static __always_inline void address_put_hex(struct address *address, u64 digit, u64 wanted)
{
    address_put(address, digit < 10 ? '0' + digit : 'a' - 10 + digit, wanted);
}

/* The n-th byte of four, in decimal. */
CALLBACK long address_decimal(u64 n, struct address_context *context)
{
    struct address *address = context->address;
    u64 byte = address->parts[2] >> (n & 3) * 8 & 0xff;

    address_put(address, '.', n);
    address_put(address, '0' + byte / 100, byte >= 100);
    address_put(address, '0' + byte / 10 % 10, byte >= 10);
    address_put(address, '0' + byte % 10, 1);
    return 0;
}

/* The n-th group of two bytes, in hexadecimal. */
CALLBACK long address_group(u64 n, struct address_context *context)
{
    struct address *address = context->address;
    u64 group = address_byte(address, n * 2) << 8 | address_byte(address, n * 2 + 1);

    if (n >= address->from && n < address->until) {
        address_put(address, ':', n == address->from);
        address_put(address, ':', n == 7);
        return 0;
    }
    address_put(address, ':', n);
    address_put_hex(address, group >> 12, group >> 12);
    address_put_hex(address, group >> 8 & 15, group >> 8);
    address_put_hex(address, group >> 4 & 15, group >> 4);
    address_put_hex(address, group & 15, 1);
    return 0;
}

/* One more byte of a hardware address. */
CALLBACK long address_pair(u64 n, struct address_context *context)
{
    struct address *address = context->address;
    u64 byte = address_byte(address, n);

    address_put(address, ':', n);
    address_put_hex(address, byte >> 4, 1);
    address_put_hex(address, byte & 15, 1);
    return 0;
}

CALLBACK long address_longer(u64 n, struct address_context *context)
{
    struct address *address = context->address;
    u64 longer = address->zeroes & address->zeroes >> 1;

    if (!longer)
        return 1;
    address->zeroes = longer;
    address->until++;
    return 0;
}

static __always_inline u64 address_text(char *to, struct address *address)
{
    return string_part(to, address->text, 0, address->at);
}

SUBPROGRAM u64 address_v4(char *to, struct address *address, u64 four)
{
    struct address_context context = {address};

    address->at = 0;
    address->parts[2] = four;
    LOOP(4, address_decimal, &context);
    return address_text(to, address);
}

/* Zero groups as a bit each, the first one lowest. */
static __always_inline u64 address_zeroes(u64 word)
{
    return !(word & 0xffff) | !(word >> 16 & 0xffff) << 1 | !(word >> 32 & 0xffff) << 2 | !(word >> 48) << 3;
}

/* The longest run of zero groups, the first one of that length. */
static __always_inline void address_find_zeroes(struct address *address)
{
    struct address_context context = {address};

    address->zeroes = address_zeroes(address->parts[0]) | address_zeroes(address->parts[1]) << 4;
    address->from = address->until = 0;
    if (!address->zeroes)
        return;
    address->until = 1;
    LOOP(8, address_longer, &context);
    u64 first = ((address->zeroes & -address->zeroes) - 1) & 0xff; /* as many ones as groups before it */

    first = (first & 0x55) + (first >> 1 & 0x55);
    first = (first & 0x33) + (first >> 2 & 0x33);
    address->from = (first & 15) + (first >> 4);
    address->until += address->from;
}

/* The two halves of an IPv6 address, as they are in memory. If it has an IPv4 address in it, `bare` is that alone. */
SUBPROGRAM u64 address_v6(char *to, struct address *address, u64 high, u64 low, u64 bare)
{
    struct address_context context = {address};
    u64 middle = low & 0xffffffff, four = low >> 32;
    u64 mapped = !high && middle == 0xffff0000;
    u64 compatible = !high && !middle && __builtin_bswap32(four) > 1;

    address->at = 0;
    address->parts[0] = high;
    address->parts[1] = low;
    address->parts[2] = four;
    if (mapped || compatible) {
        if (!bare) {
            address_put(address, ':', 1);
            address_put(address, ':', 1);
            for (u32 n = 0; n < 4; n++)
                address_put(address, 'f', mapped);
            address_put(address, ':', mapped);
        }
        LOOP(4, address_decimal, &context);
    } else {
        address_find_zeroes(address);
        LOOP(8, address_group, &context);
    }
    return address_text(to, address);
}

/* A hardware address: 6 bytes or 20, by its type. */
SUBPROGRAM s64 address_link(char *to, struct address *address, u64 type, u64 from)
{
    struct address_context context = {address};

    address->at = 0;
    if (type == ARPHRD_ETHER) {
        if (bpf_probe_read_kernel(address->parts, 6, (void *)from))
            return -1;
        LOOP(6, address_pair, &context);
    } else {
        if (bpf_probe_read_kernel(address->parts, 20, (void *)from))
            return -1;
        LOOP(20, address_pair, &context);
    }
    address_text(to, address);
    return 0;
}

#define LOAD_ADDRESS_4(to, memory, address) \
    do { \
        u32 four_; \
        LOAD(four_, address); \
        address_v4(to, memory, four_); \
    } while (0)

#define LOAD_ADDRESS_6(to, memory, address, bare) \
    do { \
        u64 at_ = (address), high_, low_; \
        LOAD(high_, at_); \
        LOAD(low_, at_ + 8); \
        address_v6(to, memory, high_, low_, bare); \
    } while (0)

#define LOAD_ADDRESS(to, memory, family, address) \
    do { \
        s64 family_ = (family); \
        if (family_ == AF_INET) \
            LOAD_ADDRESS_4(to, memory, address); \
        else if (family_ == AF_INET6) \
            LOAD_ADDRESS_6(to, memory, address, 0); \
        else \
            FAULT(FAULT_ILLOP, 0); \
    } while (0)

#define LOAD_ADDRESS_OF_LINK(to, memory, type, address) \
    do { \
        s64 type_ = (type); \
        u64 from_ = (address); \
        if (type_ != ARPHRD_ETHER && type_ != ARPHRD_INFINIBAND) \
            FAULT(FAULT_ILLOP, 0); \
        if (address_link(to, memory, type_, from_)) \
            FAULT(FAULT_BADADDR, from_); \
    } while (0)
