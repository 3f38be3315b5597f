/** A line of the list: the ferry's logo, once a worker has fetched it, and its name. */
export function listItem({ name, logo }) {
  const item = document.createElement("li");
  if (logo !== null) item.append(Object.assign(new Image(60, 40), { src: logo, alt: "" }));
  item.append(name);
  return item;
}
