#ifndef SIM_OS_SIGNALS_H
#define SIM_OS_SIGNALS_H

/* Sends a signal to the server, or to a process. */
void simulated_signal(int signal);
void simulated_signal_to(int process, int signal);

/* The state that a process has given to its signal callback: its struct server. NULL before. */
void *simulated_signals_state(int process);

/* A process has ended, and with it its pending signals. */
void simulated_signals_reset(int process);

#endif
