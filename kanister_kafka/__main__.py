"""Run the command as `python -m kanister_kafka`."""

from kanister_kafka.cli import main

if __name__ == "__main__":
    main(prog_name="kanister-kafka")
