"""exits.py CODE COMMAND...: runs a command, prints what it prints, and fails unless
it ends with exactly that exit code."""
import subprocess
import sys

done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
sys.stdout.buffer.write(done.stdout)
sys.stdout.flush()
if done.returncode != int(sys.argv[1]):
    sys.exit("expects exit code %s, got %d" % (sys.argv[1], done.returncode))
