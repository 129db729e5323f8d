/* hold FIFO CMD ...: waits until somebody opens FIFO for writing, then becomes CMD. So many processes, each in a pod of
 * its own, start at one moment, whatever it took to make the pods. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3 || open(argv[1], O_RDONLY | O_CLOEXEC) < 0) {
        perror("hold");
        return 1;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
