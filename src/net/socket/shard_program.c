#include "net/socket/shard_program.h"

#include "net/socket/socket_option.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

enum {
    INSTRUCTIONS_MAX = 192,
    EXTENSION_HEADERS_MAX = 5,

    /* Offsets in the headers (RFC 791, RFC 8200, RFC 768). */
    IPV4_SOURCE = 12,
    IPV6_NEXT_HEADER = 6,
    IPV6_SOURCE = 8,
    IPV6_HEADER_BYTES = 40,
    EXTENSION_NEXT_HEADER = 0,
    EXTENSION_LENGTH = 1, /* in units of 8 bytes, without the first 8 */
    FRAGMENT_HEADER_BYTES = 8,
    UDP_SOURCE_PORT = 0,
};

/* A result that is no index of any group. */
static const uint32_t NO_INDEX = UINT32_MAX;

struct program {
    struct sock_filter code[INSTRUCTIONS_MAX];
    uint16_t length;
};

static void emit_jump(struct program *program, uint16_t code, uint32_t value, uint8_t if_true,
                      uint8_t if_false)
{
    program->code[program->length++] =
        (struct sock_filter){.code = code, .k = value, .jt = if_true, .jf = if_false};
}

static void emit(struct program *program, uint16_t code, uint32_t value)
{
    emit_jump(program, code, value, 0, 0);
}

/* The address of a byte of the IP header or what follows it, in a load. */
static uint32_t in_packet(uint32_t offset)
{
    return (uint32_t)SKF_NET_OFF + offset;
}

/* A ^= A >> shift. Uses X. */
static void emit_xor_shift(struct program *program, uint32_t shift)
{
    emit(program, BPF_MISC | BPF_TAX, 0);
    emit(program, BPF_ALU | BPF_RSH | BPF_K, shift);
    emit(program, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* A is the hash with a word in it: the rest of one round of source_shard. */
static void emit_mix(struct program *program, const struct source_shard_key *key)
{
    emit(program, BPF_ALU | BPF_MUL | BPF_K, key->multipliers[0]);
    emit_xor_shift(program, SOURCE_SHARD_FIRST_SHIFT);
    emit(program, BPF_ALU | BPF_MUL | BPF_K, key->multipliers[1]);
    emit_xor_shift(program, SOURCE_SHARD_SECOND_SHIFT);
}

/* X is the offset of the UDP header. */
static void emit_port(struct program *program, const struct source_shard_key *key)
{
    emit(program, BPF_LD | BPF_H | BPF_IND, in_packet(UDP_SOURCE_PORT));
    emit(program, BPF_ALU | BPF_XOR | BPF_K, key->start);
    emit_mix(program, key);
}

static void emit_address(struct program *program, const struct source_shard_key *key, uint32_t at,
                         uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 4) {
        emit(program, BPF_MISC | BPF_TAX, 0);
        emit(program, BPF_LD | BPF_W | BPF_ABS, in_packet(at + i));
        emit(program, BPF_ALU | BPF_XOR | BPF_X, 0);
        emit_mix(program, key);
    }
}

/* A is the type of an extension header, X its offset: sets both to those of the next header. Ends
 * the program if the type is another one. */
static void emit_next_header(struct program *program)
{
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, 8, 0);
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_HOPOPTS, 3, 0);
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ROUTING, 2, 0);
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_DSTOPTS, 1, 0);
    emit(program, BPF_RET | BPF_K, NO_INDEX);
    emit(program, BPF_LD | BPF_B | BPF_IND, in_packet(EXTENSION_LENGTH));
    emit(program, BPF_ALU | BPF_ADD | BPF_K, 1);
    emit(program, BPF_ALU | BPF_LSH | BPF_K, 3);
    emit(program, BPF_JMP | BPF_JA, 1);
    emit(program, BPF_LD | BPF_IMM, FRAGMENT_HEADER_BYTES);
    emit(program, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(program, BPF_ST, 0);
    emit(program, BPF_LD | BPF_B | BPF_IND, in_packet(EXTENSION_NEXT_HEADER));
    emit(program, BPF_LDX | BPF_MEM, 0);
}

/* Sets X to the offset of the UDP header. */
static void emit_find_udp_in_ipv6(struct program *program)
{
    uint16_t found[EXTENSION_HEADERS_MAX];
    emit(program, BPF_LDX | BPF_IMM, IPV6_HEADER_BYTES);
    emit(program, BPF_LD | BPF_B | BPF_ABS, in_packet(IPV6_NEXT_HEADER));
    for (size_t i = 0; i < EXTENSION_HEADERS_MAX; i++) {
        found[i] = program->length;
        emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 0); /* set below */
        emit_next_header(program);
    }
    emit_jump(program, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0);
    emit(program, BPF_RET | BPF_K, NO_INDEX);
    for (size_t i = 0; i < EXTENSION_HEADERS_MAX; i++)
        program->code[found[i]].jt = (uint8_t)(program->length - found[i] - 1);
}

int shard_program_attach(int socket, enum addr_family family, const struct source_shard_key *key,
                         uint32_t count)
{
    struct program program = {.length = 0};
    if (family == ADDR_IPV4) {
        emit(&program, BPF_LDX | BPF_B | BPF_MSH, in_packet(0)); /* the length of the IP header */
        emit_port(&program, key);
        emit_address(&program, key, IPV4_SOURCE, 4);
    } else {
        emit_find_udp_in_ipv6(&program);
        emit_port(&program, key);
        emit_address(&program, key, IPV6_SOURCE, 16);
    }
    emit_mix(&program, key);
    emit(&program, BPF_ALU | BPF_MOD | BPF_K, count);
    emit(&program, BPF_RET | BPF_A, 0);
    struct sock_fprog attached;
    memset(&attached, 0, sizeof attached); /* also its padding, which the kernel reads */
    attached.len = program.length;
    attached.filter = program.code;
    return socket_option_set_bytes(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached,
                                   sizeof attached);
}
