#ifndef REDIS_REDIS_ERROR_H
#define REDIS_REDIS_ERROR_H

/* Classifies an error of Redis, "CODE text". Returns what a person has to do about it, for the end
 * of a message, if it stays as long as nothing is changed (a wrong password, no permission, a key
 * of another type, an older version); NULL if it may pass (Redis loads its data, its memory is
 * full, a failover). */
const char *redis_error_advice(const char *error);

#endif
