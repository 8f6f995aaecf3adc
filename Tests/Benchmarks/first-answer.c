// Measures the time from the start of a server to its first response, and its memory when idle.
//
//   first-answer PORT PROGRAM ARGUMENT...     prints milliseconds and, a second later, resident KB
//
// The program stops the server afterwards and discards its output.

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int answers(const struct sockaddr_in *address) {
  static const char request[] = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  char status[13] = "";
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  int answered = connect(connection, (const struct sockaddr *)address, sizeof *address) == 0 &&
                 send(connection, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                 recv(connection, status, sizeof status - 1, MSG_WAITALL) > 0 && strcmp(status, "HTTP/1.1 200") == 0;
  close(connection);
  return answered;
}

static long resident_kilobytes(pid_t process) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", (int)process);
  long kilobytes = 0;
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kilobytes);
  if (file) fclose(file);
  return kilobytes;
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: first-answer PORT PROGRAM ARGUMENT...\n");
    return 64;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);

  double start = now_milliseconds();
  pid_t server = fork();
  if (server == 0) {
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(arguments[2], arguments + 2);
    _exit(127);
  }

  double milliseconds = 0;
  while (!answers(&address)) {
    milliseconds = now_milliseconds() - start;
    if (milliseconds > 30000 || waitpid(server, NULL, WNOHANG) == server) {
      fprintf(stderr, "first-answer: %s gave none\n", arguments[2]);
      kill(server, SIGKILL);
      return 1;
    }
    usleep(100);
  }
  milliseconds = now_milliseconds() - start;
  sleep(1);
  printf("%.1f %ld\n", milliseconds, resident_kilobytes(server));
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
  return 0;
}
