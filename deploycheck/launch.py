"""MiniStack with its bridges. It runs in an environment of its own: see `deploycheck.ministack`."""

from ministack import app

from deploycheck.bridges import every


def main() -> None:
    with every.crossed():
        app.main()


if __name__ == "__main__":
    main()
