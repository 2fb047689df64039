/* Stops a file system as a power cut would: nothing more reaches the disk, not even its log. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int count, char **arguments) {
    uint32_t flag = NO_LOG_FLUSH;
    int root = count == 2 ? open(arguments[1], O_RDONLY) : -1;
    if (root < 0 || ioctl(root, EXT4_IOC_SHUTDOWN, &flag) < 0) {
        perror("power_cut");
        return 1;
    }
    return 0;
}
