"""cpu_seconds.py LIMIT COMMAND...: fails when a command needs more processor time."""
import resource
import subprocess
import sys

subprocess.run(sys.argv[2:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds = used.ru_utime + used.ru_stime
print(f"{seconds:.2f} s")
sys.exit(seconds > float(sys.argv[1]))
