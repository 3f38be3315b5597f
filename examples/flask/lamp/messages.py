"""The messages, in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import DateTime, String, create_engine, func, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lamp import settings


class Base(DeclarativeBase):
    pass


class Message(Base):
    __tablename__ = "message"

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(120))
    written_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # Both are empty until the worker has sent it.
    morse: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@cache
def engine():
    """One for each process, made when it is first needed: a connection must not be shared by a fork."""
    # SQLAlchemy knows no 'postgres:', and takes psycopg only where it is named.
    scheme, rest = settings.DATABASE_URL.split("://", 1)
    assert scheme in ("postgres", "postgresql"), f"DATABASE_URL begins with {scheme}://, and postgres:// was expected"
    return create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=2,
        # A connection that the server has closed, as after its restart, is made anew and harms nobody.
        pool_pre_ping=True,
        # The page shows times in UTC, whatever the zone of the host.
        connect_args={"connect_timeout": 3, "options": "-c timezone=UTC"},
    )


def create_tables():
    """Makes those that are missing, and changes none."""
    Base.metadata.create_all(engine())


def write(sender, text):
    """The id of a new message."""
    with Session(engine()) as session, session.begin():
        message = Message(sender=sender, text=text)
        session.add(message)
        session.flush()
        return message.id


def newest(count):
    with Session(engine(), expire_on_commit=False) as session:
        return session.scalars(select(Message).order_by(Message.id.desc()).limit(count)).all()


def text_of(message):
    """What is to be sent; None when it has been sent, or there is no such message."""
    with Session(engine()) as session:
        return session.scalar(select(Message.text).where(Message.id == message, Message.sent_at.is_(None)))


def sent(message, morse):
    """Whoever is first writes it down; a second time changes nothing."""
    with Session(engine()) as session, session.begin():
        session.execute(
            update(Message)
            .where(Message.id == message, Message.sent_at.is_(None))
            .values(morse=morse, sent_at=func.now())
        )


def waiting_since(age: timedelta):
    """The ids of messages that have waited for longer than this."""
    before = datetime.now(UTC) - age
    with Session(engine()) as session:
        return session.scalars(select(Message.id).where(Message.sent_at.is_(None), Message.written_at < before)).all()
