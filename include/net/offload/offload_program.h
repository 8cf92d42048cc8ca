#ifndef NET_OFFLOAD_OFFLOAD_PROGRAM_H
#define NET_OFFLOAD_OFFLOAD_PROGRAM_H

#include <stdint.h>

/* The program of the offload, compiled from src/net/offload/xdp_program.bpf.c, and the tables that
 * it needs. */

/* The program names them table_clients4 and so on. */
enum offload_table {
    TABLE_CLIENTS4,
    TABLE_CLIENTS6,
    TABLE_RECORDS,
    TABLE_WORKERS,
    TABLE_ROTATIONS,
    TABLE_MESSAGES,
    TABLE_COUNTERS,
    OFFLOAD_TABLES,
};

/* Creates a table for so many records and workers. Returns its descriptor or -errno; *failed is
 * then its name, a static string. */
int offload_table_create(enum offload_table table, uint32_t records, uint32_t workers,
                         const char **failed);

/* Loads the program with these tables. The report of the verifier is written to log, as by
 * bpf_program_load. Returns a descriptor or -errno; -EOPNOTSUPP: the host is big-endian, or its
 * kernel lacks a function that the program calls. */
int offload_program_load(const int tables[OFFLOAD_TABLES], char *log, uint32_t log_bytes);

#endif
