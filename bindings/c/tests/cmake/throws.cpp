// The header in C++; and what C++ throws through castline ends the process, with a word on standard error.
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#include "castline.h"

static int throws(const castline_progress *, void *)
{
    throw std::runtime_error("out of a callback");
}

int main(int, char **arguments)
{
    const pid_t child = fork();
    if (child == 0) {
        castline_verification *verification = nullptr;
        castline_verify(arguments[1], nullptr, nullptr, throws, nullptr, &verification, nullptr);
        _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        std::fprintf(stderr, "an exception got through castline: %d\n", status);
        return 1;
    }
    std::printf("castline %s in C++: exceptions do not get through\n", castline_version());
    return 0;
}
