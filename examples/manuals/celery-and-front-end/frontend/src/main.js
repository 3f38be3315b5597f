import "./style.css";
import { listItem } from "./ferry.js";

const { release, ferries } = await (await fetch("/api/ferries/")).json();
document.querySelector("#release").textContent = release;
document.querySelector("#ferries").append(...ferries.map(listItem));
