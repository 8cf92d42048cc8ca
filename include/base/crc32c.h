#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C, the checksum of the blocks of a state file: polynomial 0x1EDC6F41 (Castagnoli), input
 * and output reflected, begun and ended with 0xFFFFFFFF, as in iSCSI (RFC 3720, appendix B.4). It
 * finds each change of up to three bits in a block of 64 KiB, and each burst of up to 32 bits
 * (Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications", 2002).
 *
 * It does not protect against a process that writes the file: a state file is trusted as its owner
 * is (os/file/state_file_reader). So it has no key. */

/* Continues a checksum, which begins as 0, by size bytes, and returns it. */
uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t size);

#endif
