// The collection of customers, open to everybody.
migrate((app) => {
  const text = [
    "displayName", "type", "phoneNumber", "email", "website", "taxAreaId",
    "taxRegistrationNumber", "currencyId", "currencyCode", "paymentTermsId", "shipmentMethodId",
    "paymentMethodId", "blocked",
  ];
  app.save(new Collection({
    type: "base",
    name: "customers",
    listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "",
    fields: [
      ...text.map((name) => ({ name, type: "text", required: name === "displayName" })),
      { name: "taxLiable", type: "bool" },
      { name: "address", type: "json" },
      { name: "lastModifiedDateTime", type: "autodate", onCreate: true, onUpdate: true },
    ],
  }));
}, (app) => app.delete(app.findCollectionByNameOrId("customers")));
