"""FastAPI + SQLModel on uvicorn, as its tutorial writes it."""

import os
import re
from datetime import datetime, timezone
from uuid import uuid4

from fastapi import FastAPI, Header, HTTPException, Query, Response
from sqlalchemy import JSON, Column, event, func
from sqlmodel import Field, Session, SQLModel, create_engine, select


class CustomerBase(SQLModel):
    displayName: str
    type: str | None = None
    address: dict | None = Field(default=None, sa_column=Column(JSON))
    phoneNumber: str | None = None
    email: str | None = None
    website: str | None = None
    taxLiable: bool | None = None
    taxAreaId: str | None = None
    taxRegistrationNumber: str | None = None
    currencyId: str | None = None
    currencyCode: str | None = None
    paymentTermsId: str | None = None
    shipmentMethodId: str | None = None
    paymentMethodId: str | None = None
    blocked: str | None = None


class CustomerUpdate(SQLModel):
    displayName: str | None = None
    phoneNumber: str | None = None
    email: str | None = None


class Customer(CustomerBase, table=True):
    id: str = Field(default_factory=lambda: str(uuid4()), primary_key=True)
    version: int = 1
    lastModifiedDateTime: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))


engine = create_engine(
    f"sqlite:///{os.environ['CUSTOMERS']}", connect_args={"check_same_thread": False}
)


@event.listens_for(engine, "connect")
def pragmas(connection, _record):
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 20000")


SQLModel.metadata.create_all(engine)
app = FastAPI()


def answer(customer: Customer) -> dict:
    values = customer.model_dump()
    return {"@odata.etag": f'W/"{values.pop("version")}"', **values}


def fresh(session: Session, id: str, if_match: str | None) -> Customer:
    customer = session.get(Customer, id)
    if customer is None:
        raise HTTPException(404)
    found = re.fullmatch(r'W/"(\d+)"', if_match or "")
    if found is None or int(found[1]) != customer.version:
        raise HTTPException(412)
    return customer


@app.post("/customers", status_code=201)
def create(body: CustomerBase):
    with Session(engine) as session:
        customer = Customer.model_validate(body)
        session.add(customer)
        session.commit()
        session.refresh(customer)
        return answer(customer)


@app.get("/customers")
def page(top: int = Query(20, alias="$top"), after: str = Query("", alias="$skiptoken")):
    with Session(engine) as session:
        query = select(Customer).where(Customer.id > after).order_by(Customer.id).limit(top)
        value = [answer(customer) for customer in session.exec(query)]
    if len(value) < top:
        return {"value": value}
    next = f"/customers?$top={top}&$skiptoken={value[-1]['id']}"
    return {"value": value, "@odata.nextLink": next}


@app.get("/customers/$count")
def count() -> int:
    with Session(engine) as session:
        return session.exec(select(func.count()).select_from(Customer)).one()


@app.get("/customers/{id}")
def get(id: str):
    with Session(engine) as session:
        customer = session.get(Customer, id)
        if customer is None:
            raise HTTPException(404)
        return answer(customer)


@app.patch("/customers/{id}")
def update(id: str, body: CustomerUpdate, if_match: str | None = Header(None)):
    with Session(engine) as session:
        customer = fresh(session, id, if_match)
        customer.sqlmodel_update(body.model_dump(exclude_unset=True))
        customer.version += 1
        customer.lastModifiedDateTime = datetime.now(timezone.utc)
        session.add(customer)
        session.commit()
        session.refresh(customer)
        return answer(customer)


@app.delete("/customers/{id}", status_code=204)
def delete(id: str, if_match: str | None = Header(None)):
    with Session(engine) as session:
        session.delete(fresh(session, id, if_match))
        session.commit()
        return Response(status_code=204)
