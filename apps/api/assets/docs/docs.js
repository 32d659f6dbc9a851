// The page is light or dark as its reader's system is. Where there is no room for a list of calls beside the text, the calls
// themselves are the list, and open by a touch.

const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 767px)");
const reference = document.querySelector("rapi-doc");

function follow() {
  reference.setAttribute("theme", dark.matches ? "dark" : "light");
  reference.setAttribute("primary-color", dark.matches ? "#6ea8fe" : "#1d4ed8");
  reference.setAttribute("render-style", narrow.matches ? "view" : "read");
}

dark.addEventListener("change", follow);
narrow.addEventListener("change", follow);
follow();
