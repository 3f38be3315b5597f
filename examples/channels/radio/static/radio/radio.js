// The page's connection to its room. A release closes it with 1012 once site.timeout is over; then, as after any other
// loss, it is made anew, what was missed comes first, and what had no answer is sent again.
const room = location.hash.slice(1) || "16";
const show = (id, text) => (document.getElementById(id).textContent = text);
const unanswered = new Map();
const heard = new Set();
let last = 0;
let socket;

function connect(attempt = 0) {
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/rooms/${room}?${last}`);
  socket.onopen = () => {
    attempt = 0;
    for (const [token, text] of unanswered) send(token, text);
  };
  socket.onmessage = ({ data }) => {
    const { release, message, known } = JSON.parse(data);
    if (release) show("state", `connected to release ${release}`);
    unanswered.delete(message?.token ?? known);
    if (message) hear(message);
  };
  socket.onclose = () => {
    show("state", "not connected");
    // Not all browsers at the same moment.
    setTimeout(connect, Math.random() * 1000 * Math.min(2 ** attempt, 30), attempt + 1);
  };
}

function hear({ id, text }) {
  if (heard.has(id)) return;
  heard.add(id);
  // Two that are sent at the same moment may come in either order: some seconds are asked for again.
  last = Math.max(last, Number(id.split("-")[0]) - 10_000);
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("messages").append(line);
}

function send(token, text) {
  unanswered.set(token, text);
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ token, text }));
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send(crypto.randomUUID(), document.getElementById("text").value);
  event.target.reset();
});
show("room", room);
connect();
